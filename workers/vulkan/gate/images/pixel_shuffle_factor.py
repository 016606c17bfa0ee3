"""The int8 pixel shuffle has one factor."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "et_vk.q8ta_pixel_shuffle.default":
            factor, rank = call.arguments[5], len(call.tensors[0].shape)
            if factor != 2:
                yield call.name, f"its factor is {factor}, and it takes 2; the runtime aborts at load"
            elif rank != 4:
                yield call.name, f"its input has {rank} dimensions, and it takes 4; the runtime aborts at load"


RULE = Rule("pixel-shuffle-factor", Severity.REFUSED, "VK_CHECK_COND in Q8taPixelShuffle.cpp", KNOWN_RUNTIME, _check)
