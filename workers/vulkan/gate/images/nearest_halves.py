"""Nearest upsampling whose pixels depend on how an implementation of GLSL rounds halves."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.images.nearest_places import nearest
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call, differs, extents in nearest(graph):
        if not differs:
            yield call.name, f"from {extents} pixels it rounds halves; compare it on the device"


RULE = Rule(
    "nearest-halves",
    Severity.SUSPECT,
    "upsample_2d.glsl rounds a centre, and GLSL leaves open which way round() takes a half",
    KNOWN_RUNTIME,
    _check,
)
