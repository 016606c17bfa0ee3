"""Which of two records of the same candidate the store keeps.

A candidate (identity and recipe) has one record, however often it is evaluated. Records that arrive in any order, from
any process, must end in the same one. So each has a weight, and the heavier one stays:

    crashed, timed out   the surroundings may be to blame: any verdict replaces it, and so does a record of
                         more attempts
    refused              a verdict, but one without a program that ran
    ok, not verified     costs are known, the outputs are not
    ok, verified         costs are known and the outputs are equal
    wrong                some input gave other outputs. No later check that happened to miss that input
                         takes it back; only a new toolchain or search-space version (a new identity) does

Among equals, a record of whole programs that were compared replaces one without. Then a record with per-operator rows
replaces one without. Otherwise the first one stays. A damaged record weighs nothing.
"""

from __future__ import annotations

from results.records.evaluation import Evaluation

Weight = tuple[int, bool, bool, int]

REFUTING = ("wrong", "refused")
"""Verdicts that no claim from another machine can take back."""

_RANK = {"crashed": 0, "timed out": 0, "refused": 1, "ok": 2, "wrong": 4}


def weight(evaluation: Evaluation) -> Weight:
    """The weight of a record; of two records of one candidate the store keeps the heavier one."""
    rank = _RANK[evaluation.status] + evaluation.verified
    return rank, evaluation.checked_whole, bool(evaluation.operators), evaluation.attempts if rank == 0 else 0
