"""Transposed convolutions that are dilated."""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import dilation_of_int8_transposed, float_convolutions
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    transposed = [(one.call, one.dilation) for one in float_convolutions(graph) if one.transposed]
    transposed += [(call, dilation_of_int8_transposed(call)) for call in graph.calls]
    for call, dilation in transposed:
        if any(extent > 1 for extent in dilation):
            extents = "x".join(map(str, dilation))
            yield call.name, f"is transposed with a dilation of {extents}; the runtime aborts at load"


RULE = Rule(
    "transposed-dilation",
    Severity.REFUSED,
    "check_conv2d_params in Convolution.cpp; VK_CHECK_COND in Q8taConv2dTransposed.cpp",
    KNOWN_RUNTIME,
    _check,
)
