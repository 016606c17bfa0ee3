"""The part of a program that a rewrite changed, before and after, as two small programs."""

from __future__ import annotations

from collections.abc import Iterable

from search_space.graph import CONST, Graph
from search_space.slice import slice_graph

#: What the NPU keeps in memory between operations. Wider values are mostly passed on inside one of them, so that a cut
#: there would price another program.
_NARROW = frozenset(("INT8", "INT16", "BOOL"))


def changed_region(before: Graph, after: Graph) -> tuple[Graph, Graph]:
    """The smallest two programs that hold everything in which `before` and `after` differ, cut at values of up to 16
    bits. They have the same results, each once. `after` must descend from `before`: an id that both have is the same
    tensor. Equal graphs give two programs without results.
    """
    kept = {i for i in before.order if i in after.users and before[i].same_as(after[i])}
    results = [(i, i) for i in before.order if i in after.users and i not in kept]
    results += [(old, new) for old, new in zip(before.outputs, after.outputs, strict=True) if old != new]
    ends = _narrow_ends(before, after, results)
    olds, news = (tuple(dict.fromkeys(side)) for side in zip(*ends, strict=True)) if ends else ((), ())
    cuts = {i for i in kept.difference(olds, news) if before[i].type.dtype in _NARROW and before[i].op != CONST}
    return slice_graph(before, cuts, olds), slice_graph(after, cuts, news)


def _narrow_ends(before: Graph, after: Graph, results: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Wide results are followed to the values that are computed of them, as long as both programs do so."""
    ends: dict[tuple[int, int], None] = {}
    waiting, seen = list(results), set(results)
    while waiting:
        pair = waiting.pop()
        old, new = pair
        readers = before.users[old]
        shared = old == new and readers and set(readers) == set(after.users[new]) and old not in before.outputs
        if before[old].type.dtype in _NARROW or not shared:
            ends[pair] = None
            continue
        for reader in readers:
            if (reader, reader) not in seen:
                seen.add((reader, reader))
                waiting.append((reader, reader))
    places = [{node_id: at for at, node_id in enumerate(graph.order)} for graph in (before, after)]
    return sorted(ends, key=lambda pair: (places[0][pair[0]], places[1][pair[1]]))
