"""LocalSearch is the best of all searches on the recorded spaces, at equal numbers of distinct compiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.search.laboratory.baselines import BASELINES, makers, read
from benchmarks.search.laboratory.contest import compared, is_ahead, run
from tuner.search.samplers import SamplerName

SPACES = compared()
RECORD = read()


def test_the_record_is_of_these_spaces_and_this_optuna(tmp_path: Path) -> None:
    assert RECORD.made_with == makers(SPACES), "make lab-baselines"
    RECORD.write(tmp_path / "again")
    assert read(tmp_path / "again") == RECORD


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "tpe"])
def test_the_record_is_what_the_code_gives(name: SamplerName) -> None:
    """Not asked of TPE: it computes with real numbers, of which the last digits are not the same on all machines."""
    of = RECORD.series(name, True, SPACES[:1])[0]
    assert run(of.table, name, True, seeds=[0]).curves == of.curves[:1], "make lab-baselines"


@pytest.mark.parametrize("seeded", [True, False], ids=["starting points", "default alone"])
def test_ours_is_ahead_of_all(seeded: bool) -> None:
    ours = [run(table, "local-search", seeded) for table in SPACES]
    behind = [name for name in BASELINES if not is_ahead(ours, RECORD.series(name, seeded, SPACES))]
    assert not behind, "python -m benchmarks.search.quality prints by how much"


@pytest.mark.parametrize("name", BASELINES)
def test_no_other_would_pass_for_ours(name: SamplerName) -> None:
    theirs = RECORD.series(name, True, SPACES)
    assert not all(is_ahead(theirs, RECORD.series(other, True, SPACES)) for other in BASELINES)
