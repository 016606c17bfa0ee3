"""Textures that are larger than some devices have them."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import TEXTURE_3D, Graph
from workers.vulkan.target import GUARANTEED_TEXTURE_LIMIT


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    limit = GUARANTEED_TEXTURE_LIMIT
    for call in graph.calls:
        for one in (*call.tensors, *call.results):
            if one.storage == TEXTURE_3D and max(one.extents) > limit:
                extents = " by ".join(map(str, one.extents))
                yield (
                    call.name,
                    f"a texture of {extents} texels; for devices that stop at {limit}, --texture-limit {limit}",
                )
                break


RULE = Rule(
    "texture-extents",
    Severity.SUSPECT,
    "SMALL_TEXTURE_LIMITS in ExecuTorch's utils.py; maxImageDimension3D of lavapipe",
    "all",
    _check,
)
