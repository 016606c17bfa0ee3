"""ExecuTorch's registry of patterns that become one fused operator, with those that a recipe switches off left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from executorch.backends.vulkan.patterns import PatternMatch
    from torch.export import ExportedProgram
    from torch.fx import GraphModule


def pattern_names() -> tuple[str, ...]:
    """Of all patterns in the registry, in its order."""
    from executorch.backends.vulkan.patterns import fusable_patterns

    return tuple(fusable_patterns)


def matches(module: GraphModule, off: Collection[str]) -> Iterator[tuple[str, PatternMatch]]:
    """All places of a graph that a pattern fits, each with its pattern's name, graphs first as ExecuTorch does."""
    from executorch.backends.vulkan.patterns import fusable_patterns
    from executorch.backends.vulkan.patterns.pattern_registry import create_pattern_match_from_internal_match
    from torch.fx.passes.utils.matcher_utils import SubgraphMatcher

    chosen = {name: entry for name, entry in fusable_patterns.items() if name not in off}
    for name, entry in chosen.items():
        if entry.get_graphs_fn is not None:
            for graph in _pattern_graphs(name):
                for match in SubgraphMatcher(graph.graph, ignore_literals=True).match(module.graph):
                    yield name, create_pattern_match_from_internal_match(match)
    for node in module.graph.nodes:
        for name, entry in chosen.items():
            found = entry.detector_fn(node) if entry.detector_fn is not None else None
            if found is not None:
                yield name, found


def fuse(program: ExportedProgram, module: GraphModule, off: Collection[str]) -> int:
    """Replace every match by its fused operator, as ExecuTorch's `replace_all_fusable_subgraphs`; how many."""
    from executorch.backends.vulkan.patterns import create_replacement_for_pattern, fusable_patterns

    chosen = {name: entry for name, entry in fusable_patterns.items() if name not in off}
    replaced = 0
    for name, entry in chosen.items():
        if entry.get_graphs_fn is not None and entry.create_replacement_fn is not None:
            graphs = list(_pattern_graphs(name))
            replaced += create_replacement_for_pattern(program, module, graphs, entry.create_replacement_fn)
    for node in module.graph.nodes:
        for entry in chosen.values():
            found = entry.detector_fn(node) if entry.detector_fn is not None else None
            if found is not None and entry.create_replacement_fn is not None:
                entry.create_replacement_fn(program, module, found)
                replaced += 1
    module.graph.eliminate_dead_code()
    return replaced


@cache
def _pattern_graphs(name: str) -> tuple[Any, ...]:
    """ExecuTorch exports them anew each time that it looks for them, which is half of the time that lowering takes."""
    from executorch.backends.vulkan.patterns import fusable_patterns

    return tuple(fusable_patterns[name].get_graphs_fn())
