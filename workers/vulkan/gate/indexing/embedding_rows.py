"""Large embeddings get a height-packed output, which the shader fills as if it were packed along the width."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import TEXTURE_3D, WIDTH, Graph


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.embedding.default":
            output = call.results[0]
            if output.storage == TEXTURE_3D and output.layout != WIDTH:
                yield call.name, f"its output is a texture packed along {output.layout}; its rows come out shifted"


RULE = Rule(
    "embedding-rows",
    Severity.REFUSED,
    "thread 22333, pull request 22827: an embedding of more than 16384 rows, measured on Adreno 840 and Mali-G76",
    "executorch up to 1.5.1",
    _check,
)
