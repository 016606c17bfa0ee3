"""Division with rounding rounds floats down and integers towards zero, whichever rounding is asked for."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_ROUNDS = {"float": "floor", "half": "floor", "int32": "trunc"}


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.div.Tensor_mode":
            dtype, mode = call.tensors[0].dtype, call.arguments[2]
            if _ROUNDS.get(dtype, mode) != mode:
                yield call.name, f"rounds {dtype} by '{_ROUNDS[dtype]}', not '{mode}'; negative quotients differ"


RULE = Rule(
    "division-rounding",
    Severity.SUSPECT,
    "floor_divide in BinaryOp.cpp, and its variants in the tables of the wheel",
    KNOWN_RUNTIME,
    _check,
)
