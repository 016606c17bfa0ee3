"""ExecuTorch's quantiser for Vulkan, which leaves alone what it does not quantise."""

from __future__ import annotations

from executorch.backends.vulkan.quantizer.vulkan_quantizer import VulkanQuantizer, get_symmetric_quantization_config
from torch.fx import GraphModule


class ChannelQuantiser(VulkanQuantizer):
    """Weights of linear layers, symmetric, one scale for each output channel; floats in and out.

    ExecuTorch's own quantises linear layers only. Yet it makes a tensor of every scalar that is added or multiplied.
    The matcher for rms_norm then asks for the value of a tensor epsilon, and lowering fails.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.set_global(get_symmetric_quantization_config(weight_bits=bits))

    def transform_for_annotation(self, model: GraphModule) -> GraphModule:
        return model
