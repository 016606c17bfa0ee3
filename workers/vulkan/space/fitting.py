"""Which schemes a layer can have.

Quantisers must take them, patterns fuse them, and the runtime load them.
"""

from __future__ import annotations

from workers.vulkan.model.layers import LINEAR, Layer
from workers.vulkan.model.scheme import PER_CHANNEL, Scheme

_STATIC_KINDS = (LINEAR, "conv2d", "conv_transpose2d")


def fitting(layer: Layer, scheme: Scheme) -> str:
    """Look whether a layer can have a scheme.

    Args:
        layer: any.
        scheme: any.

    Returns:
        Why the scheme does not fit the layer, to follow its name; empty where it does.
    """
    if scheme is Scheme.FP:
        return ""
    if layer.computes_weights:
        return "computes its weights, and quantisers take parameters"
    if scheme is Scheme.STATIC8:
        return _static(layer)
    if layer.kind != LINEAR:
        return f"is a {layer.kind}, and {scheme} is for linear layers"
    outputs, inputs = layer.shape
    if scheme in PER_CHANNEL:
        return _for_each_channel(layer, scheme)
    assert scheme.group is not None
    if inputs % scheme.group:
        return f"has {inputs} input channels, which groups of {scheme.group} do not divide"
    if outputs % 4:
        return f"has {outputs} output channels, no multiple of 4, which ExecuTorch does not lower in groups"
    if scheme.quantises_inputs and len(layer.inputs) == 1:
        return "reads a vector, and ExecuTorch quantises activations at run time by rows"
    return _one_batch(layer)


def _static(layer: Layer) -> str:
    if layer.kind not in _STATIC_KINDS:
        return f"is a {layer.kind}, which no int8 operator computes"
    if layer.kind != LINEAR:
        return _static_convolution(layer)
    if layer.shape[1] % 4:
        return f"has {layer.shape[1]} input channels, no multiple of 4, which no int8 operator takes"
    return _one_batch(layer)


def _static_convolution(layer: Layer) -> str:
    """What ExecuTorch's pattern `quantized_convolution` takes, and the runtime computes."""
    if len(layer.inputs) == 3:
        return "reads an image without a batch, which ExecuTorch does not fuse"
    if layer.inputs[0] > 1:
        return f"reads {layer.inputs[0]} images, and the int8 operators compute the first"
    if layer.kind != "conv2d":
        return ""
    outputs, of_group = layer.shape[:2]
    groups = layer.inputs[1] // of_group
    if groups == 1:
        return ""
    if groups == outputs:
        return f"is depthwise with {outputs} channels, no multiple of 4" if outputs % 4 else ""
    if of_group % 4:
        return f"has {of_group} input channels in a group, no multiple of 4, which the int8 operator computes wrongly"
    if outputs // groups % 4:
        return f"has {outputs // groups} output channels in a group, no multiple of 4, which ExecuTorch does not fuse"
    return ""


def _for_each_channel(layer: Layer, scheme: Scheme) -> str:
    outputs, inputs = layer.shape
    if inputs % 4:
        return f"has {inputs} input channels, no multiple of 4, which ExecuTorch does not fuse"
    if scheme is not Scheme.W4:
        return ""
    if outputs % 8:
        return f"has {outputs} output channels, no multiple of 8, which linear_qcs4w computes wrongly"
    return "" if layer.rows > 1 else "computes one row, for which linear_qcs4w has no shader"


def _one_batch(layer: Layer) -> str:
    if layer.batch > 1:
        return f"has {layer.batch} batches, and the quantised operators compute the first"
    return ""
