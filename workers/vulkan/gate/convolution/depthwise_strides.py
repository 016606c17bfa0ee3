"""Depthwise convolutions whose stride is not their dilation.

They have shaders only for filters of 3 by 3 and of 5 by 5.
"""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import with_the_shared_shader
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for one in with_the_shared_shader(graph):
        if one.stride != one.dilation:
            kernel, stride, dilation = ("x".join(map(str, those)) for those in (one.kernel, one.stride, one.dilation))
            yield (
                one.call.name,
                f"is depthwise with filters of {kernel}, a stride of {stride} and a dilation of {dilation}, which no "
                "shader computes; the runtime aborts at load. Slice the output of one with a stride of 1 instead",
            )


RULE = Rule(
    "depthwise-strides",
    Severity.REFUSED,
    "pick_conv2d_dw_shader in Conv2dDW.cpp, and conv2d_dw.yaml and conv2d_dw_sned_output_tile.yaml of the wheel",
    KNOWN_RUNTIME,
    _check,
)
