"""The parameters of dynamic quantisation are chosen for the rows of the first batch only."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "torchao.choose_qparams_affine.default" and call.tensors[0].batch > 1:
            yield call.name, f"its input has {call.tensors[0].batch} batches"


RULE = Rule(
    "choose-qparams-batch",
    Severity.REFUSED,
    "a run with an input of three dimensions and two batches failed at load",
    KNOWN_RUNTIME,
    _check,
)
