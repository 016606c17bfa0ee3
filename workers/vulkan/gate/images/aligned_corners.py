"""Bilinear upsampling with aligned corners to one row or one column, which divides by zero."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_CORNERS = 2


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.upsample_bilinear2d.vec" and call.arguments[_CORNERS] is True:
            height, width = call.results[0].shape[-2:]
            if 1 in (height, width):
                yield call.name, f"with aligned corners to {height} by {width} pixels it divides by zero"


RULE = Rule(
    "aligned-corners", Severity.REFUSED, "recip_scale_factor in Upsample.cpp, by the extent less 1", KNOWN_RUNTIME,
    _check,
)  # fmt: skip
