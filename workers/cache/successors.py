"""Which graph each pass makes of a graph, by hashes.

A search asks it of every program that it sees.

Equal graphs have equal successors, whatever model they are of and whatever recipe led to them. So the answers are kept
in the memo, for all workers, runs and models. One that is there costs a look-up instead of running every pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.target_facts import TargetFacts
from search_space.passes.base import Pass
from search_space.recipe.profitable_sites import applied
from search_space.recipe.source_hash import source_hash
from search_space.recipe.space import tosa_passes
from workers.cache.lru import LRU
from workers.cache.memo import Memo

#: Graphs whose successors are kept in memory: programs of several delegates share those that a pass did not change.
_KEPT = 256


class Successors:
    """Which programs the passes lead to, for one target; what was found out goes into the memo.

    Attributes:
        asked: graphs whose successors were asked for.
        known: those among them that no pass had to be run for.
    """

    def __init__(self, memo: Memo, facts: TargetFacts, key: Mapping[str, Any], allowed: Exactness) -> None:
        """Ask for one target.

        Args:
            memo: keeps what was found out.
            facts: about the target, which passes may ask for.
            key: what passes may ask about besides the graph: the target, the toolchain's versions.
            allowed: the least exact class of passes.
        """
        self._memo, self._facts, self._allowed = memo, facts, allowed
        self._key = {**key, "allowed": str(allowed)}
        self._kept: LRU[dict[str, str | None]] = LRU(_KEPT)
        self.asked = self.known = 0

    def of(self, graph: Graph) -> Mapping[str, str | None]:
        """Pass -> hash of the graph after it; None where the pass fails. Passes without a site are left out."""
        self.asked += 1
        key = {"kind": "transitions", "graph": graph.hash, "passes": source_hash(), **self._key}
        found = self._kept.get(graph.hash)
        if found is None:
            found = self._memo.get(**key)
        if found is not None:
            self.known += 1
        else:
            tried = tosa_passes(self._allowed)
            found = {str(one): after for one in tried if (after := self._after(graph, one)) != graph.hash}
            if None not in found.values():  # what fails is run again, and recorded with the reason
                self._memo.put_if_possible(found, **key)
        self._kept.put(graph.hash, found)
        return found

    def _after(self, graph: Graph, one: Pass) -> str | None:
        try:
            return applied(one, graph, self._facts).hash
        except Exception:  # somebody's pass: it is a candidate like others, refused with the reason when it is tried
            return None
