"""The programs that the gate is held to a runtime by."""

from __future__ import annotations

import pytest

from benchmarks.vulkan.gate.__main__ import agreement, programs_by_rule
from benchmarks.vulkan.gate.outcome import Outcome
from workers.vulkan.gate.finding import Finding
from workers.vulkan.gate.rules import RULES
from workers.vulkan.gate.verdict import Verdict

ABORTED, WRONG, RIGHT = (None, 3.0, 130.0)
BY_NAME = {rule.name: rule for rule in RULES}


def test_every_rule_has_a_program_and_some_programs_break_none() -> None:
    assert all(programs_by_rule().values())
    assert {*programs_by_rule()} == {*BY_NAME, "none"}


@pytest.mark.parametrize(
    ("name", "breaks", "decibels", "agrees"),
    [
        ("pool-stride", "pool-stride", ABORTED, 1),
        ("pool-stride", "pool-stride", WRONG, 1),
        ("pool-stride", "pool-stride", RIGHT, 0),
        ("pool-stride", "layer-norm", ABORTED, 0),
        ("negative-bases", "negative-bases", RIGHT, 1),
        ("negative-bases", "", WRONG, 0),
        ("none", "", RIGHT, 1),
        ("none", "", ABORTED, 0),
        ("none", "pool-stride", RIGHT, 0),
    ],
)
def test_a_rule_agrees_where_its_program_fails_and_a_neighbour_where_it_runs(
    name: str, breaks: str, decibels: float | None, agrees: int
) -> None:
    findings = (Finding(BY_NAME[breaks], "operator", "reason"),) if breaks else ()
    assert agreement(name, [Outcome(Verdict(findings), decibels)])[1] == agrees
