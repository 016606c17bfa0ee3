"""Pointwise convolutions along a signal that step over inputs, or that pad them."""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import float_convolutions
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import HEIGHT, Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for one in float_convolutions(graph):
        # The kernel for pointwise ones is chosen by the layout, which is that of the height.
        if one.kernel == (1,) and one.input.layout == HEIGHT and (one.stride != (1,) or one.padding != (0,)):
            yield (
                one.call.name,
                f"has filters of width 1, a stride of {one.stride[0]} and a padding of {one.padding[0]}; the shader "
                "takes neither, and reads the places of the output. Slice or pad its input instead",
            )


RULE = Rule("pointwise-steps", Severity.REFUSED, "conv1d_pw in Conv1dPW.cpp, and conv1d_pw.glsl", KNOWN_RUNTIME, _check)
