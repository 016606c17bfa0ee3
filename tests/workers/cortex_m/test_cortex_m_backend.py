"""Cortex-M through the commands that people use: a search mends what the default lowering computes wrongly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from support.processes.person import Person

pytestmark = pytest.mark.slow

NETS = """
import torch
from torch import nn

def row():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(8, 16, 3, stride=2), nn.ReLU(), nn.Conv1d(16, 16, 3)), (torch.randn(1, 8, 20),)

class Bessel(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(8, 16, 3, stride=2)

    def forward(self, x):
        return torch.special.bessel_j0(self.first(x))

def bessel():
    torch.manual_seed(0)
    return Bessel(), (torch.randn(1, 8, 20),)
"""


ROW = ("nets.py:row", "--target", "cortex-m55")


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("cortex-m")
    somebody = Person(folder)
    (folder / "nets.py").write_text(NETS)
    return somebody


@pytest.fixture(scope="module")
def tuned(person: Person) -> Mapping[str, Any]:
    out, _ = person.types("tune", *ROW, "--trials", "8", "--jobs", "1", "--json")
    (found,) = json.loads(out)
    return found


def test_a_default_that_fails_on_the_processor_is_mended(tuned: Mapping[str, Any]) -> None:
    assert tuned["verified"] and "row-along-height" in tuned["recipe"]
    assert "wrong values on the right edge" in tuned["default_fault"]
    assert tuned["best"]["metrics"]["uncosted"] == 0
    best, default = tuned["best"], tuned["default"]
    assert best["flash_bytes"] < default["flash_bytes"]
    in_per_cent = 100 * best["flash_bytes"] // default["flash_bytes"]
    assert best["cycles"] == best["metrics"]["decided_instructions"] + in_per_cent


def test_its_file_says_for_which_class_it_is(person: Person, tuned: Mapping[str, Any]) -> None:
    said, _ = person.types("apply", *ROW, "--out", "row.pte")
    assert "instructions (predicted, ±" in said
    facts = person.home / "row.pte.json"
    assert json.loads(facts.read_text())["target"]["instruction_set"] == "mve"
    assert "verified. 1 program for cortex-m55 by" in person.types("verify", "row.pte")[0]
    facts.write_text(facts.read_text().replace('"mve"', '"dsp"'))
    _, error = person.types("verify", "row.pte", expect=2)
    assert "was lowered for DSP; cortex-m55 runs MVE kernels" in error


def test_where_nothing_is_right_the_last_line_says_what_is_wrong_besides_the_default(person: Person) -> None:
    budget = ("--trials", "4", "--jobs", "1")
    _, error = person.types("tune", "nets.py:bessel", "--target", "cortex-m55", *budget, expect=2)
    last = error.strip().splitlines()[-1]
    assert "nothing right was found" in last
    assert "wrong values on the right edge" in last and "(layer first)" in last, "of the default lowering"
    assert "aten::special_bessel_j0 stays in float, and ExecuTorch has no portable kernel of it" in last
