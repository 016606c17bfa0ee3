"""Sums and products that ExecuTorch compiles without their alpha and beta."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for operator in graph.dropped_factors:
        yield operator, "ExecuTorch compiles it without its alpha and beta"


RULE = Rule(
    "dropped-factors",
    Severity.REFUSED,
    "AddmmToLinearTransform, and QuantizedBinaryMatch for int8",
    "executorch 1.5.1",
    _check,
)
