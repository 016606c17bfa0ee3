"""Does a candidate compute what the default lowering computes, bit for bit?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from search_space.ir.graph import Graph
from workers.checking.check_inputs import Arrays, CheckInput
from workers.checking.verdict import Verdict
from workers.errors import ReferenceFailed


class Outputs(Protocol):
    """What programs compute on some sets of inputs."""

    inputs: Sequence[CheckInput]

    def outputs(self, graph: Graph) -> list[Arrays]:
        """What the program gives: for each of its outputs an array for each set of inputs.

        Raises ReferenceFailed if the reference model does not run it on one of them.
        """


def check(candidate: Graph, default: Graph, computed: Outputs) -> Verdict:
    """Compare the outputs on every set of inputs, as they are computed.

    Args:
        candidate: the program to check.
        default: the default lowering.
        computed: gives the outputs of programs on the sets of inputs.

    Returns:
        Whether they are equal bit for bit; if not, where.

    Raises:
        ReferenceFailed: the default lowering itself cannot be run.
    """
    interface = [[(g[i].type) for i in ends] for g in (default, candidate) for ends in (g.inputs, g.outputs)]
    if interface[:2] != interface[2:]:
        return Verdict(False, "the program's inputs or outputs have other shapes or types")
    expected = computed.outputs(default)
    try:
        actual = computed.outputs(candidate)
    except ReferenceFailed as error:
        return Verdict(False, f"the reference model refuses the candidate ({error})")
    for at, one in enumerate(computed.inputs):
        for number, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
            reason = difference(number, wanted[at], found[at])
            if reason:
                return Verdict(False, f"{reason} on {one.kind} inputs")
    return Verdict(True)


def difference(number: int, wanted: np.ndarray, found: np.ndarray) -> str:
    """Compare one output bit for bit.

    Args:
        number: of the output, for the message.
        wanted: its values.
        found: the values to compare.

    Returns:
        One line; empty if they are equal.
    """
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"output {number} is {found.dtype}{list(found.shape)} instead of {wanted.dtype}{list(wanted.shape)}"
    if found.tobytes() == wanted.tobytes():
        return ""
    return f"{int((found != wanted).sum())} of {wanted.size} values of output {number} differ"
