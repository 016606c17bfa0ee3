"""Remainders of integers on the CPU."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_NAMES = ("aten.remainder.Scalar", "aten.remainder.Tensor")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for operator in graph.integers_on_host:
        if operator in _NAMES:
            yield operator, "on the CPU it has the sign of the dividend, which is wrong for integers below zero"


RULE = Rule(
    "integer-remainders",
    Severity.SUSPECT,
    "remainder_override of integers in kernels/portable/cpu/util/math_util.h",
    KNOWN_RUNTIME,
    _check,
)
