"""What cached and stored results depend on of the code: names and contents of its files."""

from pathlib import Path

import pytest

from search_space.recipe.source_hash import hash_of_sources


def hash_of(prices: Path) -> str:
    return hash_of_sources([prices, prices / "fitted.json"])


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
def test_a_change_gives_another_hash(prices: Path, name: str, content: str) -> None:
    before = hash_of(prices)
    assert hash_of(prices) == before
    (prices / name).write_text(content)
    assert hash_of(prices) != before


def test_neither_place_nor_compiled_files_count(prices: Path, tmp_path: Path) -> None:
    before = hash_of(prices)
    other = tmp_path / "elsewhere" / "cost"
    other.parent.mkdir()
    prices.rename(other)
    (other / "add.cpython-311.pyc").write_bytes(b"\0")
    assert hash_of(other) == before
