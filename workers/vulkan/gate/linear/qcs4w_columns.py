"""linear_qcs4w computes eight columns at a time and checks for a multiple of four only."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "et_vk.linear_qcs4w.default":
            columns = call.results[0].shape[-1]
            if columns % 4:
                yield call.name, f"{columns} output channels are no multiple of 4; the runtime aborts at load"
            elif columns % 8:
                yield call.name, f"{columns} output channels are no multiple of 8; the last ones come out wrong"


RULE = Rule(
    "qcs4w-columns",
    Severity.REFUSED,
    "can_use_tiled_impl in QuantizedLinearQCSNW.cpp; runs with 20 and 28 columns gave 0.2 and 4.1 dB, with 24 and 32 "
    "columns 130 dB",
    KNOWN_RUNTIME,
    _check,
)
