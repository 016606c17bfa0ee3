"""Shaders that the runtime asks for and is not built with: ExecuTorch exports the model, and loading it aborts."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.loading.kernels import kernels
from workers.vulkan.gate.loading.shader_names import shader_names
from workers.vulkan.lowering.graph.vk_graph import Graph


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    existing = shader_names()
    for call in graph.calls:
        for name in kernels(call):
            if name not in existing:
                yield call.name, f"there is no shader {name}; the runtime aborts at load"


RULE = Rule(
    "shader-variants",
    Severity.REFUSED,
    "the tables in the wheel; threads 22429 (weights of 8 and 4 bits), 16823 (concat), 22320 (conversions)",
    "the installed ExecuTorch's tables, names by main of 2026-08-22",
    _check,
)
