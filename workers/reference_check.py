"""Does a candidate compute what the default lowering computes, bit for bit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_space.graph import Graph
from workers.reference import ReferenceFailed
from workers.values import Values


@dataclass(frozen=True)
class Verdict:
    """equal: all outputs were equal on all inputs; reason: in one line what was not."""

    equal: bool
    reason: str = ""


def check(candidate: Graph, default: Graph, values: Values) -> Verdict:
    """Compare the outputs on every set of inputs that the values are of.

    Raises ReferenceFailed if the default lowering itself cannot be run.
    """
    interface = [[(g[i].type) for i in ends] for g in (default, candidate) for ends in (g.inputs, g.outputs)]
    if interface[:2] != interface[2:]:
        return Verdict(False, "the program's inputs or outputs have other shapes or types")
    expected = values.outputs(default)
    try:
        actual = values.outputs(candidate)
    except ReferenceFailed as error:
        return Verdict(False, f"the reference model refuses the candidate ({error})")
    for at, one in enumerate(values.inputs):
        for number, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
            reason = _difference(number, wanted[at], found[at])
            if reason:
                return Verdict(False, f"{reason} on {one.kind} inputs")
    return Verdict(True)


def _difference(number: int, wanted: np.ndarray, found: np.ndarray) -> str:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"output {number} is {found.dtype}{list(found.shape)} instead of {wanted.dtype}{list(wanted.shape)}"
    if found.tobytes() == wanted.tobytes():
        return ""
    return f"{int((found != wanted).sum())} of {wanted.size} values of output {number} differ"
