"""Does a candidate compute what the default lowering computes, bit for bit?

Both programs descend from one loaded graph and an id denotes the same tensor in both (see `search_space.graph`). So
only the part that was rewritten has to be run: it is fed with the values that the default lowering has at its edge, and
must give the values that the default lowering has where the untouched part reads it. By induction over the program the
outputs are then equal on these inputs. Where a part differs the whole program is run before anything is said, so that a
pass that reuses an id for another tensor is slow, not wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search_space.graph import CONST, INPUT, Graph
from search_space.slice import slice_graph
from workers.check_inputs import CheckInput
from workers.reference import ARRAY_TYPES, ReferenceFailed, run_reference


@dataclass(frozen=True)
class Verdict:
    """equal: all outputs were equal on all inputs; reason: in one line what was not."""

    equal: bool
    reason: str = ""


class ReferenceCheck:
    """The default lowering's values on the check inputs, computed when first needed and kept.

    Raises ReferenceFailed from the constructor's first use if the default lowering itself cannot be run.
    """

    def __init__(self, default: Graph, inputs: Sequence[CheckInput]) -> None:
        self._default = default
        self._inputs = inputs
        self._values: list[dict[int, np.ndarray]] = [
            dict(zip(default.inputs, one.arrays, strict=True)) for one in inputs
        ]

    def check(self, candidate: Graph) -> Verdict:
        """Compare with the default lowering on every set of inputs."""
        interface = [[(g[i].type) for i in ends] for g in (self._default, candidate) for ends in (g.inputs, g.outputs)]
        if interface[:2] != interface[2:]:
            return Verdict(False, "the program's inputs or outputs have other shapes or types")
        region = _Region(self._default, candidate)
        if not region.results:
            return Verdict(True)
        for at, one in enumerate(self._inputs):
            if self._region_equal(region, candidate, at):
                continue
            reason = self._difference(candidate, at)
            if reason:
                return Verdict(False, f"{reason} on {one.kind} inputs")
        return Verdict(True)

    def _region_equal(self, region: _Region, candidate: Graph, at: int) -> bool:
        expected = self._default_values([b for _, b in region.results], at)
        part = slice_graph(candidate, region.feeds, [c for c, _ in region.results])
        feeds = self._default_values(part.inputs, at)
        try:
            actual = run_reference(part, feeds)
        except ReferenceFailed:
            return False
        return _first_difference(expected, actual) is None

    def _difference(self, candidate: Graph, at: int) -> str:
        """What differs when the whole candidate is run; empty if nothing does."""
        try:
            actual = run_reference(candidate, self._inputs[at].arrays)
        except ReferenceFailed as error:
            return f"the reference model refuses the candidate ({error})"
        expected = self._default_values(self._default.outputs, at)
        return _first_difference(expected, actual) or ""

    def _default_values(self, ids: Sequence[int], at: int) -> list[np.ndarray]:
        known = self._values[at]
        missing = [i for i in dict.fromkeys(ids) if i not in known]
        if missing:
            part = slice_graph(self._default, known, missing)
            values = run_reference(part, [known[i] for i in part.inputs])
            known.update(zip(missing, values, strict=True))
        return [known[i] for i in ids]


class _Region:
    """What of a candidate has to be run.

    feeds: ids whose values are taken from the default lowering. results: pairs (id in the candidate, id in the default
    lowering) of values that must be equal.
    """

    def __init__(self, default: Graph, candidate: Graph) -> None:
        def comparable(node_id: int) -> bool:
            node = candidate[node_id]
            old = default.nodes.get(node_id)
            return old is not None and old.type == node.type and node.op != CONST and node.type.dtype in ARRAY_TYPES

        changed: set[int] = set()
        unknown: set[int] = set()  # changed, and no value of the default lowering to compare with
        for node_id in candidate.order:
            node = candidate[node_id]
            old = default.nodes.get(node_id)
            if old is None or not old.same_as(node) or any(i in unknown for i in node.inputs):
                changed.add(node_id)
                if not comparable(node_id):
                    unknown.add(node_id)
        results: dict[tuple[int, int], None] = {}
        for node_id in candidate.order:
            if node_id not in changed:
                for source in candidate[node_id].inputs:
                    if source in changed and candidate[source].op != CONST:
                        results[(source, source)] = None
        for mine, theirs in zip(candidate.outputs, default.outputs, strict=True):
            if mine != theirs or mine in changed:
                results[(mine, theirs)] = None
        self.results = tuple(results)
        self.feeds = frozenset(
            i for i in candidate.order if i not in changed and (comparable(i) or candidate[i].op == INPUT)
        )


def _first_difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> str | None:
    for number, (a, b) in enumerate(zip(expected, actual, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {number} is {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}"
        if a.tobytes() != b.tobytes():
            count = int((a != b).sum())
            return f"{count} of {a.size} values of output {number} differ"
    return None
