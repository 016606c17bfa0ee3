"""Nearest upsampling to an extent that is no multiple of the one before.

It takes other pixels than PyTorch.
"""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.images.nearest_places import nearest
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call, differs, extents in nearest(graph):
        if differs:
            yield call.name, f"from {extents} pixels it takes others than PyTorch. Take them with index_select"


RULE = Rule(
    "nearest-sizes",
    Severity.REFUSED,
    "upsample_2d.glsl rounds a centre instead of a corner; on lavapipe (Mesa 22.3.6) 5 to 7 pixels gave 1 dB",
    KNOWN_RUNTIME,
    _check,
)
