"""The fused rotary embedding turns one batch, and widths in eights."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_PAIRS, _HALVES = "et_vk.apply_rotary_emb.default", "et_vk.apply_rotary_emb_hf.default"


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in (_PAIRS, _HALVES):
            queries, _, cosines, *_ = call.tensors
            batches, turned = queries.shape[0], cosines.shape[-1] * (2 if call.name == _PAIRS else 1)
            if len(queries.shape) == 4 and batches > 1:
                yield call.name, f"its input has {batches} batches and the dispatch covers the first"
            elif turned % 8:
                yield call.name, f"a width of {turned} is no multiple of 8, by which the shader reads it"


RULE = Rule(
    "rotary-shapes",
    Severity.REFUSED,
    "the global workgroup sizes and VK_CHECK_COND in RotaryEmbedding.cpp; rotary_embedding.glsl",
    KNOWN_RUNTIME,
    _check,
)
