"""Transposed convolutions that are dilated."""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import float_convolutions
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for one in float_convolutions(graph):
        if one.transposed and any(extent > 1 for extent in one.dilation):
            dilation = "x".join(map(str, one.dilation))
            yield one.call.name, f"is transposed with a dilation of {dilation}; the runtime aborts at load"


RULE = Rule("transposed-dilation", Severity.REFUSED, "check_conv2d_params in Convolution.cpp", KNOWN_RUNTIME, _check)
