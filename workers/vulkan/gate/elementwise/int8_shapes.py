"""The int8 addition has no broadcasting."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "et_vk.q8ta_add.default":
            one, other = (operand.shape for operand in call.tensors)
            if one != other:
                yield call.name, f"adds {list(one)} and {list(other)}, and reads both at the same places"


RULE = Rule("int8-shapes", Severity.REFUSED, "q8ta_binary.glsl", KNOWN_RUNTIME, _check)
