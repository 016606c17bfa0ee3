"""Group normalisation takes images, with weights and a bias."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.native_group_norm.default":
            rank = len(call.tensors[0].shape)
            if any(one is None for one in call.arguments[1:3]):
                yield call.name, "has no weights or no bias; the runtime aborts at load"
            elif rank != 4:
                yield call.name, f"its input has {rank} dimensions, and the shader takes the third last for channels"


RULE = Rule(
    "group-norm",
    Severity.REFUSED,
    "VK_CHECK_COND in GroupNorm.cpp; group_norm_reduce_texture.glsl",
    KNOWN_RUNTIME,
    _check,
)
