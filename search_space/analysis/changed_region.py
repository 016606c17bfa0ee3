"""The part of a program that a rewrite changed, before and after, as two small programs."""

from __future__ import annotations

from collections.abc import Iterable

from search_space.ir.graph import CONST, Graph
from search_space.ir.subgraph import slice_graph

#: What the NPU keeps in memory between operations. Wider values are mostly passed on inside one of them, so that a cut
#: there would price another program.
_NARROW = frozenset(("INT8", "INT16", "BOOL"))


def changed_region(before: Graph, after: Graph) -> tuple[Graph, Graph]:
    """Cut out the part of a program that a rewrite changed, before and after it.

    The parts are the smallest programs that hold all differences, cut at values of up to 16 bits. Both have the same
    results in the same order, each once. Equal graphs give two programs without results.

    Args:
        before: the program before the rewrite.
        after: the program after it. It must descend from `before`: an id that both have is the same tensor.

    Returns:
        The changed part of `before` and that of `after`.
    """
    change = _Change(before, after)
    results = [(i, i) for i in before.order if i in change.redefined]
    results += [(old, new) for old, new in zip(before.outputs, after.outputs, strict=True) if old != new]
    ends = _narrow_ends(change, results)
    olds, news = (tuple(dict.fromkeys(side)) for side in zip(*ends, strict=True)) if ends else ((), ())
    cuts = _Cuts(change, {*olds, *news})
    return slice_graph(before, cuts, olds), slice_graph(after, cuts, news)


class _Change:
    """In which nodes two graphs differ. They share most of them, and only these are looked at closely."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before, self.after = before, after
        new = [i for i, node in after.nodes.items() if before.nodes.get(i) is not node]
        self.redefined = {i for i in new if i in before.nodes and not before[i].same_as(after[i])}
        self._readers: dict[int, set[int]] = {}
        for reader in new:
            for source in after[reader].inputs:
                self._readers.setdefault(source, set()).add(reader)

    def kept(self, node_id: int) -> bool:
        """Whether both have it, and compute it alike."""
        return node_id in self.before.nodes and node_id in self.after.nodes and node_id not in self.redefined

    def readers_after(self, node_id: int) -> set[int]:
        """Ids of the nodes that read a value in the graph after the rewrite."""
        before, after = self.before.nodes, self.after.nodes
        unchanged = {r for r in self.before.users.get(node_id, ()) if after.get(r) is before[r]}
        return unchanged | self._readers.get(node_id, set())


class _Cuts:
    """The values at which a region ends: kept ones that are narrow."""

    def __init__(self, change: _Change, inside: set[int]) -> None:
        self._change, self._inside = change, inside

    def __contains__(self, node_id: object) -> bool:
        if not isinstance(node_id, int) or node_id in self._inside or not self._change.kept(node_id):
            return False
        node = self._change.before[node_id]
        return node.type.dtype in _NARROW and node.op != CONST


def _narrow_ends(change: _Change, results: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Wide results are followed to the values that are computed of them, as long as both programs do so."""
    before = change.before
    ends: dict[tuple[int, int], None] = {}
    waiting, seen = list(results), set(results)
    while waiting:
        pair = waiting.pop()
        old, new = pair
        readers = before.users[old]
        shared = old == new and readers and set(readers) == change.readers_after(new) and old not in before.outputs
        if before[old].type.dtype in _NARROW or not shared:
            ends[pair] = None
            continue
        for reader in readers:
            if (reader, reader) not in seen:
                seen.add((reader, reader))
                waiting.append((reader, reader))
    return sorted(ends, key=lambda pair: before.places[pair[0]])
