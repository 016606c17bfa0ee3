"""Results under other prices or rules are other results."""

from pathlib import Path

import pytest

from tuner.tuning.objective import Objective
from workers.models.identity.code_version import code_version


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    folder = tmp_path / "first" / "cost"
    (folder / "formulas").mkdir(parents=True)
    (folder / "fitted.json").write_text('{"add": [12, 3]}')
    (folder / "formulas" / "add.py").write_text("PER_VALUE = 3\n")
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [("fitted.json", '{"add": [12, 4]}'), ("formulas/add.py", "PER_VALUE = 4\n"), ("formulas/mul.py", "")],
)
def test_a_change_gives_another_version(prices: Path, name: str, content: str) -> None:
    before = code_version(prices)
    (prices / name).write_text(content)
    code_version.cache_clear()  # the files of a running process stay
    assert code_version(prices) != before


def test_neither_place_nor_compiled_files_count(prices: Path, tmp_path: Path) -> None:
    before = code_version(prices)
    other = tmp_path / "elsewhere" / "cost"
    other.parent.mkdir()
    prices.rename(other)
    (other / "add.cpython-311.pyc").write_bytes(b"\0")
    assert code_version(other) == before


@pytest.mark.parametrize(("family", "fact"), [("cortex-m", "prices"), ("vulkan", "rules")])
def test_objectives_have_it_among_their_facts(family: str, fact: str) -> None:
    assert len(Objective().on(family).facts()[fact]) == 16
