"""Depthwise convolutions whose windows reach beyond the right border.

Filters other than 3 by 3 and 5 by 5 share a shader. It ends a row of its window at the border. It does not skip the
weights of what it left out. So all further rows are multiplied by weights of other places.
"""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import FloatConvolution, with_the_shared_shader
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for one in with_the_shared_shader(graph):
        if one.kernel[0] > 1 and one.stride == one.dilation and _beyond(one) > 0:
            kernel = "x".join(map(str, one.kernel))
            yield (
                one.call.name,
                f"is depthwise with filters of {kernel} and reaches beyond the right border, where the shader takes "
                "weights of other places. Pad its input by F.pad, and convolve with padding=0 instead",
            )


def _beyond(one: FloatConvolution) -> int:
    """By how many columns the last window reaches beyond the right border."""
    last = (one.call.results[0].shape[-1] - 1) * one.stride[1] - one.padding[1] + (one.kernel[1] - 1) * one.dilation[1]
    return last + 1 - one.input.shape[-1]


RULE = Rule(
    "depthwise-padding",
    Severity.REFUSED,
    "pick_conv2d_dw_shader in Conv2dDW.cpp, and the loops of conv2d_dw.glsl of the wheel",
    KNOWN_RUNTIME,
    _check,
)
