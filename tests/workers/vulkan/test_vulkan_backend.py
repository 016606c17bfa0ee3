"""Vulkan through the commands that people use: attention that the runtime does not load is spelled out."""

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

class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(32, 96), nn.Linear(32, 32)

    def forward(self, x):
        parts = (one.reshape(1, 16, 4, 8).transpose(1, 2) for one in self.inner(x).split(32, -1))
        heads = nn.functional.scaled_dot_product_attention(*parts)
        return self.outer(heads.transpose(1, 2).reshape(1, 16, 32))

def attention():
    torch.manual_seed(0)
    inputs = [(torch.randn(1, 16, 32),) for _ in range(2)]
    return Attention().eval(), inputs[0], inputs
"""
MODEL = ("nets.py:attention", "--target", "vulkan", "--allow-requant", "--min-sqnr", "60")


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("vulkan")
    somebody = Person(folder)
    (folder / "nets.py").write_text(NETS)
    return somebody


@pytest.fixture(scope="module")
def tuned(person: Person) -> Mapping[str, Any]:
    out, _ = person.types("tune", *MODEL, "--trials", "6", "--jobs", "1", "--json")
    (found,) = json.loads(out)
    return found


def test_a_default_that_does_not_load_becomes_one_delegate(tuned: Mapping[str, Any]) -> None:
    assert "spell-attention" in tuned["recipe"] and tuned["quality"]["sqnr_db"] > 60
    assert "registers no such operator" in tuned["default_fault"]
    best, default = tuned["best"]["metrics"], tuned["default"]["metrics"]
    assert (best["delegates"], best["host_operators"]) == (1, 0)
    assert default["delegates"] > 1 and default["host_operators"] > 0


def test_its_file_is_written(person: Person, tuned: Mapping[str, Any]) -> None:
    out, _ = person.types("apply", *MODEL, "--out", "attention.pte")
    assert (person.home / "attention.pte").read_bytes()[4:6] == b"ET"
    said = person.types("verify", "attention.pte")[0]
    assert "verified. 1 delegate by" in said and "0 operators on the CPU, 1 delegate, " in said
    with (person.home / "attention.pte").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    assert "is not the file that attention.pte.json is about" in person.types("verify", "attention.pte", expect=2)[1]
    assert "not known to fail" in out and "attention.report.md" in out
    report = (person.home / "attention.report.md").read_text()
    assert "## Why the file is in 1 delegate\n" in report and "spell-attention (--allow-requant) removes it" in report


def test_a_limit_of_quality_is_the_user_s(person: Person) -> None:
    _, error = person.types("tune", *MODEL[:-1], "150", "--trials", "2", "--jobs", "1", expect=2)
    assert "below 150 dB" in error
