"""Does a candidate compute what the default lowering computes, bit for bit?

Both programs descend from one loaded graph and an id denotes the same tensor in both (see `search_space.graph`). So
only what was rewritten has to be run: it is fed with the values that the default lowering has at its edge, and must
give the values that the default lowering has under the same ids. By induction over the program the outputs are then
equal on these inputs. Candidates mostly differ in little: what computed the right value once is not run again where
another candidate computes the value in the same way. Where values differ the whole program is run before anything is
said, so that a pass that reuses an id for another tensor is slow, not wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

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
        self._right: set[_Claim] = set()

    def check(self, candidate: Graph) -> Verdict:
        """Compare with the default lowering on every set of inputs."""
        interface = [[(g[i].type) for i in ends] for g in (self._default, candidate) for ends in (g.inputs, g.outputs)]
        if interface[:2] != interface[2:]:
            return Verdict(False, "the program's inputs or outputs have other shapes or types")
        open_ = {claim: i for claim, i in _claims(self._default, candidate).items() if claim not in self._right}
        if not open_:
            return Verdict(True)
        computed = dict.fromkeys(open_.values())
        known = {i for i in candidate.order if i not in computed and _comparable(self._default, candidate, i)}
        rewritten = slice_graph(candidate, known, tuple(computed))
        different = [at for at in range(len(self._inputs)) if not self._holds(open_, rewritten, at)]
        for at in different:
            reason = self._difference(candidate, at)
            if reason:
                return Verdict(False, f"{reason} on {self._inputs[at].kind} inputs")
        if not different:
            self._right.update(open_)
        return Verdict(True)

    def _holds(self, claims: Mapping[_Claim, int], rewritten: Graph, at: int) -> bool:
        """Whether what was rewritten gives the values that the default lowering has."""
        expected = self._default_values([claim.default for claim in claims], at)
        feeds = self._default_values(rewritten.inputs, at)
        try:
            values = dict(zip(rewritten.outputs, run_reference(rewritten, feeds), strict=True))
        except ReferenceFailed:
            return False
        return _first_difference(expected, [values[i] for i in claims.values()]) is None

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


@dataclass(frozen=True)
class _Claim:
    """That a value is one of the default lowering's. Equal claims of several candidates hold or fail together.

    computed_by: 16 bytes over the operators that compute it from values of the default lowering, which stand in it
    under their ids. default: id of the value that it is said to be.
    """

    computed_by: bytes
    default: int


def _claims(default: Graph, candidate: Graph) -> dict[_Claim, int]:
    """What has to hold for the candidate to be equal, each with the id of the value in the candidate."""
    computed_by: dict[int, bytes] = {}  # of what changed
    unknown: set[int] = set()  # changed, and no value of the default lowering to compare with
    claims: dict[_Claim, int] = {}
    for node_id in candidate.order:
        node, old = candidate[node_id], default.nodes.get(node_id)
        if old is not None and old.same_as(node) and not any(i in unknown for i in node.inputs):
            continue
        digest = blake2b(node.digest, digest_size=16)
        for i in node.inputs:
            digest.update(computed_by[i] if i in unknown else b"%d;" % i)
        computed_by[node_id] = digest.digest()
        if _comparable(default, candidate, node_id):
            claims[_Claim(computed_by[node_id], node_id)] = node_id
        else:
            unknown.add(node_id)
    for mine, theirs in zip(candidate.outputs, default.outputs, strict=True):
        if mine != theirs or mine in unknown:
            claims[_Claim(computed_by[mine] if mine in unknown else b"%d;" % mine, theirs)] = mine
    return claims


def _comparable(default: Graph, candidate: Graph, node_id: int) -> bool:
    """Whether the default lowering has the value, as an array."""
    node, old = candidate[node_id], default.nodes.get(node_id)
    if node.op == INPUT:
        return True
    return old is not None and old.type == node.type and node.op != CONST and node.type.dtype in ARRAY_TYPES


def _first_difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> str | None:
    for number, (a, b) in enumerate(zip(expected, actual, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {number} is {b.dtype}{list(b.shape)} instead of {a.dtype}{list(a.shape)}"
        if a.tobytes() != b.tobytes():
            count = int((a != b).sum())
            return f"{count} of {a.size} values of output {number} differ"
    return None
