"""Gains, their means, and the table that a run prints."""

import dataclasses
import re

import pytest
from support.samples.sample_results import IDENTITY, best, evaluation, figures, mutated

from results.records.compare import Gain, mean_factor, means_of
from results.reports.summary import markdown_table


def test_gains():
    assert (Gain(200, 50).percent, Gain(200, 50).factor) == (75.0, 4.0)
    assert (Gain(0, 0).percent, Gain(0, 0).factor) == (0.0, 1.0)
    assert mean_factor([Gain(100, 50), Gain(80, 10)]) == pytest.approx(4.0)
    assert mean_factor([]) == 1.0


def test_markdown_table():
    other = dataclasses.replace(IDENTITY, model_name="a|b")
    table = markdown_table([best(), best("x", 100, other, status="trials")]).splitlines()
    heading, ruler, *rows = (" ".join(line.split()) for line in table)
    assert len({len(line) for line in table[:4]}) == 1, "it is aligned for those who read it as text"
    assert heading == (
        "| model | target | default cycles | best cycles | error | covered | gain | gain by Vela | transposes "
        "| evaluations | distinct | status |"
    )
    assert re.fullmatch(r"(\| -+:? ){12}\|", ruler)
    assert rows == [
        "| nets/keyword.py:build | ethos-u55-128 | 100 | 60 | unknown | | 40.0 % (1.67x) | 38.1 % | 4 → 4 | 20 | 9 "
        "| exhausted |",
        r"| a\|b | ethos-u55-128 | 100 | 100 | unknown | | 0.0 % (1.00x) | 0.0 % | 4 → 4 | 20 | 9 | trials |",
        "",
        "Geometric means of default/best, host work left out:",
        "",
        "| target | models | cycles of the command streams | cycles by Vela's own estimate |",
        "| ------------- | -----: | ----------------------------: | ----------------------------: |",
        "| ethos-u55-128 | 2 | 1.29x | 1.27x |",  # sqrt(100 / 60), sqrt(105 / 65)
        "",
        "All cycles are predicted.",
    ]
    assert "means" not in markdown_table([best()]), "of one model there is no mean"


def test_means_are_of_the_models_of_one_target():
    there = mutated(IDENTITY, ("target", "name"), "ethos-u85-256")
    tuned = evaluation("x", figures=figures(50, stream_cycles=40, vela_cycles=35))
    found = means_of([best("y", 25, there), best("x", 100), best(best=tuned)])
    assert [(one.target, one.models) for one in found] == [("ethos-u55-128", 2), ("ethos-u85-256", 1)]
    both, single = found
    titles = ["cycles of the command streams", "cycles by Vela's own estimate"]
    assert [title for title, _ in both.estimates] == [title for title, _ in single.estimates] == titles
    factors = [[one.objective, *(factor for _, factor in one.estimates)] for one in found]
    assert factors == [pytest.approx([2**0.5, 2.5**0.5, 3**0.5]), pytest.approx([4.0, 4.0, 3.5])]
