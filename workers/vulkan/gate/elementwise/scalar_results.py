"""Operators of two values without dimensions."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

#: What BinaryOp.cpp registers.
_BINARY = frozenset(
    f"aten.{name}"
    for name in (
        "add.Tensor", "sub.Tensor", "mul.Tensor", "div.Tensor", "div.Tensor_mode", "pow.Tensor_Tensor",
        "minimum.default", "eq.Tensor", "lt.Tensor", "le.Tensor", "gt.Tensor", "ge.Tensor", "bitwise_and.Tensor",
        "bitwise_or.Tensor", "logical_and.default", "logical_or.default",
    )
)  # fmt: skip


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in _BINARY and not call.results[0].shape:
            yield call.name, "its operands have no dimensions; the runtime aborts at load. Give them one: x.reshape(1)"


RULE = Rule(
    "scalar-results",
    Severity.REFUSED,
    "calculate_broadcasted_output_size in TensorUtils.cpp, which BinaryOp.cpp calls; sums and products of two numbers "
    "aborted on lavapipe",
    KNOWN_RUNTIME,
    _check,
)
