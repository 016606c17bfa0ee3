"""Does a candidate compute what the default lowering computes, bit for bit?

Both programs descend from one loaded graph and an id denotes the same tensor in both (see `search_space.graph`). So
only what was rewritten has to be run, piece by piece: a piece is fed with the values that the default lowering has at
its edge, and must give the value that the default lowering has under the same id. By induction over the program the
outputs are then equal on these inputs. A piece that was equal once is not run again: candidates of one search differ
from each other in few of them. Where a piece differs the whole program is run before anything is said, so that a pass
that reuses an id for another tensor is slow, not wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from search_space.graph import CONST, INPUT, Graph
from search_space.slice import slice_graph
from search_space.write_tosa import write_tosa
from workers.check_inputs import CheckInput
from workers.kept_values import KeptValues
from workers.reference import ARRAY_TYPES, ReferenceFailed, run_reference, run_written

_DIGEST_BYTES = 16
_SECONDS_WORTH_KEEPING = 0.5


@dataclass(frozen=True)
class Verdict:
    """equal: all outputs were equal on all inputs; reason: in one line what was not."""

    equal: bool
    reason: str = ""


class ReferenceCheck:
    """The default lowering's values on the check inputs, computed when first needed and kept.

    kept: a folder for those that take seconds to compute, and the versions of what computes them.

    Raises ReferenceFailed from the constructor's first use if the default lowering itself cannot be run.
    """

    def __init__(
        self, default: Graph, inputs: Sequence[CheckInput], kept: tuple[Path, Mapping[str, str]] | None = None
    ) -> None:
        self._default = default
        self._inputs = inputs
        self._kept = [KeptValues(kept[0], default, one.arrays, kept[1]) for one in inputs] if kept else []
        self._values: list[dict[int, np.ndarray]] = [
            dict(zip(default.inputs, one.arrays, strict=True)) for one in inputs
        ]
        self._equal: set[_Piece] = set()

    def check(self, candidate: Graph) -> Verdict:
        """Compare with the default lowering on every set of inputs."""
        interface = [[(g[i].type) for i in ends] for g in (self._default, candidate) for ends in (g.inputs, g.outputs)]
        if interface[:2] != interface[2:]:
            return Verdict(False, "the program's inputs or outputs have other shapes or types")
        pieces = _Pieces(self._default, candidate)
        new = [one for one in (*pieces.inside, *pieces.ends) if one not in self._equal]
        if not new:
            return Verdict(True)
        feeds = pieces.unchanged | {one.result for one in pieces.inside if one in self._equal}
        part = slice_graph(candidate, feeds, [one.result for one in new])
        written = write_tosa(part)
        all_equal = True
        for at, inputs in enumerate(self._inputs):
            if self._part_equal(written, part.inputs, new, at):
                continue
            all_equal = False
            reason = self._difference(candidate, at)
            if reason:
                return Verdict(False, f"{reason} on {inputs.kind} inputs")
        if all_equal:
            self._equal.update(new)
        return Verdict(True)

    def _part_equal(self, part: bytes, feeds: Sequence[int], pieces: Sequence[_Piece], at: int) -> bool:
        expected = self._default_values([one.expected for one in pieces], at)
        try:
            actual = run_written(part, self._default_values(feeds, at))
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
        if missing and self._kept:
            known.update(self._kept[at].get(missing))
            missing = [i for i in missing if i not in known]
        if missing:
            part = slice_graph(self._default, known, missing)
            started = time.process_time()
            values = dict(zip(missing, run_reference(part, [known[i] for i in part.inputs]), strict=True))
            if self._kept and time.process_time() - started > _SECONDS_WORTH_KEEPING:
                self._kept[at].put_if_possible(values)
            known.update(values)
        return [known[i] for i in ids]


@dataclass(frozen=True)
class _Piece:
    """What of a candidate computes one value from values of the default lowering.

    digest: of the operators, their constants and the ids of the values that they read. expected: the id in the default
    lowering of the value that it must equal. result: the value's id in the candidate, no part of what the piece is.
    """

    digest: bytes
    expected: int
    result: int = field(compare=False)


class _Pieces:
    """The pieces of a candidate that was rewritten.

    inside: those that end in a value that the default lowering has under the same id; they feed each other. ends: those
    that end in one of the outputs and in no such value. unchanged: ids whose values are the default lowering's.
    """

    def __init__(self, default: Graph, candidate: Graph) -> None:
        self.inside: list[_Piece] = []
        self.ends: list[_Piece] = []
        unchanged: set[int] = set()
        digests: dict[int, bytes] = {}  # of values that cannot be taken from the default lowering

        def named(node_id: int) -> bytes:
            return digests.get(node_id) or node_id.to_bytes(_DIGEST_BYTES, "big")

        for node_id in candidate.order:
            node = candidate[node_id]
            old = default.nodes.get(node_id)
            comparable = (
                old is not None and old.type == node.type and node.op != CONST and node.type.dtype in ARRAY_TYPES
            )
            if old is not None and old.same_as(node) and digests.keys().isdisjoint(node.inputs):
                if comparable or node.op == INPUT:
                    unchanged.add(node_id)
                continue
            content = node.digest + b"".join(map(named, node.inputs))
            digest = blake2b(content, digest_size=_DIGEST_BYTES).digest()
            if comparable:
                self.inside.append(_Piece(digest, node_id, node_id))
            else:
                digests[node_id] = digest
        for mine, theirs in zip(candidate.outputs, default.outputs, strict=True):
            if mine != theirs or mine in digests:
                self.ends.append(_Piece(named(mine), theirs, mine))
        self.unchanged = frozenset(unchanged)


def _first_difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> str | None:
    for number, (a, b) in enumerate(zip(expected, actual, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {number} is {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}"
        if a.tobytes() != b.tobytes():
            count = int((a != b).sum())
            return f"{count} of {a.size} values of output {number} differ"
    return None
