"""Weights, biases and scales as the NPU decodes them from the bytes that Vela emitted.

    weights = decode_weights(operation, decoded.accelerator, [bytes_of(span) for span in operation.weights])
    scales = decode_scales(operation, decoded.accelerator, [bytes_of(span) for span in operation.scales])

Any bytes can be given: those that are no stream raise `Fault`.
"""

from workers.ethos_u.npu_model.weights.decode import decode_scales, decode_weights
from workers.ethos_u.npu_model.weights.scales import ChannelScales

__all__ = ["ChannelScales", "decode_scales", "decode_weights"]
