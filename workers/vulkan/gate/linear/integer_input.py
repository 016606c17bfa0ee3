"""linear_q8ta_q8csw quantises its input itself, and ExecuTorch's fusion hands it the integers."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_FLOATS = ("float", "half")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "et_vk.linear_q8ta_q8csw.default" and call.tensors[0].dtype not in _FLOATS:
            yield call.name, f"its input is {call.tensors[0].dtype} and the operator takes floats; the runtime aborts"


RULE = Rule("integer-input", Severity.REFUSED, "thread 22775, pull request 22776", KNOWN_RUNTIME, _check)
