"""The fused RMS norm has one weight for each column."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "et_vk.rms_norm.default":
            rows, weights = call.tensors[:2]
            columns = rows.shape[-1]
            if weights.elements != columns or weights.shape[-1:] != (columns,):
                yield (
                    call.name,
                    f"its weights are {list(weights.shape)}, and the shader reads one for each of {columns} columns. "
                    "leave-unfused{pattern=rms_norm} keeps its parts",
                )


RULE = Rule(
    "rms-norm",
    Severity.REFUSED,
    "rms_norm_texture.glsl and rms_norm_buffer.glsl. ExecuTorch's pattern takes any factor for the weights",
    KNOWN_RUNTIME,
    _check,
)
