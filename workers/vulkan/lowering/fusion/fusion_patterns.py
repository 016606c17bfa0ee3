"""ExecuTorch's registry of patterns that become one fused operator, but for the matches that a recipe leaves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from workers.vulkan.model.marks import UNFUSED, mark, noted

if TYPE_CHECKING:
    from executorch.backends.vulkan.patterns import PatternMatch
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node


def matches(module: GraphModule) -> Iterator[tuple[str, PatternMatch]]:
    """The places of a graph that a pattern fits.

    Args:
        module: of a program in the edge dialect.

    Returns:
        Name of the pattern and the match, those of whole graphs first, as ExecuTorch has them.
    """
    from executorch.backends.vulkan.patterns import fusable_patterns

    for name, entry in fusable_patterns.items():
        if entry.get_graphs_fn is not None:
            yield from ((name, match) for match in _graph_matches(name, module))
    for node in module.graph.nodes:
        for name, entry in fusable_patterns.items():
            found = entry.detector_fn(node) if entry.detector_fn is not None else None
            if found is not None:
                yield name, found


def leave_unfused(name: str, match: PatternMatch) -> None:
    """Note at a match that `fuse` is not to take it.

    Args:
        name: of the pattern.
        match: of a program that is not partitioned yet. The note stays when a delegate takes its nodes.
    """
    anchor = _anchor(match)
    mark(anchor, UNFUSED, (*(noted(anchor, UNFUSED) or ()), name))


def is_left(name: str, match: PatternMatch) -> bool:
    """Whether `leave_unfused` noted that a match is not taken.

    Args:
        name: of the pattern.
        match: of a program that is or is not partitioned yet.

    Returns:
        Whether it is noted for this pattern.
    """
    return name in (noted(_anchor(match), UNFUSED) or ())


def fuse(program: ExportedProgram, module: GraphModule) -> int:
    """Replace matches by their fused operators, as ExecuTorch's `replace_all_fusable_subgraphs`.

    Args:
        program: that owns the constants.
        module: its graph, which is changed in place.

    Returns:
        How many matches were replaced. Those that `leave_unfused` noted stay.
    """
    from executorch.backends.vulkan.patterns import fusable_patterns

    replaced = 0
    for name, entry in fusable_patterns.items():
        if entry.get_graphs_fn is not None and entry.create_replacement_fn is not None:
            for match in _graph_matches(name, module):
                if not is_left(name, match):
                    entry.create_replacement_fn(program, module, match)
                    replaced += 1
                    # What is dead is not matched again.
                    module.graph.eliminate_dead_code()
    for node in module.graph.nodes:
        for name, entry in fusable_patterns.items():
            found = entry.detector_fn(node) if entry.detector_fn is not None else None
            if found is not None and entry.create_replacement_fn is not None and not is_left(name, found):
                entry.create_replacement_fn(program, module, found)
                replaced += 1
    module.graph.eliminate_dead_code()
    return replaced


def _graph_matches(name: str, module: GraphModule) -> Iterator[PatternMatch]:
    from executorch.backends.vulkan.patterns import create_pattern_match_from_internal_match
    from torch.fx.passes.utils.matcher_utils import SubgraphMatcher

    for graph in _pattern_graphs(name):
        for match in SubgraphMatcher(graph.graph, ignore_literals=True).match(module.graph):
            yield create_pattern_match_from_internal_match(match)


def _anchor(match: PatternMatch) -> Node:
    """The node that a match stands at: what its detector found, or the first output of a graph."""
    node: Node = match.anchor_node if match.anchor_node is not None else match.output_nodes[0]
    return node


@cache
def _pattern_graphs(name: str) -> tuple[Any, ...]:
    """ExecuTorch exports them anew each time that it looks for them, which is half of the time that lowering takes."""
    from executorch.backends.vulkan.patterns import fusable_patterns

    return tuple(fusable_patterns[name].get_graphs_fn())
