"""Two results side by side."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.samples.sample_results import IDENTITY, best, mutated

from results.records.recipe_text import side_by_side
from results.reports.comparison import Comparison, Side
from results.store.store import Store
from tuner.cli import cli
from velatune.testing.program import Program

OLD = mutated(IDENTITY, ("versions", "ethos-u-vela"), "5.0.0")


@pytest.mark.parametrize(
    ("a", "b", "lines"),
    [
        ("default", "default", []),
        ("default", "fold-constants", ["+ fold-constants"]),
        (
            "conv1d=wrap-h | sink-transposes,table@profitable-by-both,fold-constants",
            "conv1d=along-h | table@1+3,fold-constants,select-transposes{interior=true}",
            [
                "~ conv1d=wrap-h → conv1d=along-h", "- sink-transposes", "~ table@profitable-by-both → table@1+3",
                "  fold-constants", "+ select-transposes{interior=true}",
            ],
        ),
    ],
)  # fmt: skip
def test_recipes_line_by_line(a: str, b: str, lines: list[str]) -> None:
    assert [str(step) for step in side_by_side(a, b)] == lines


def test_operators_that_differ_are_shown() -> None:
    found = best()
    text = Comparison(Side(IDENTITY, found.default), Side(OLD, found.best)).to_text()
    assert ["ethos-u-vela", "5.1.0", "5.0.0", ""] in [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
    ]
    assert "| transpose_1 |" in text and "| moved_1 " in text and "| conv_1 " in text
    assert "add_1" not in text and "1 operators cost the same in both." in text
    assert "    + fuse-transposes" in text and "All cycles are predicted." in text


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["compare", *arguments])


def test_bests_of_two_toolchains_from_two_stores(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("old.sqlite", "new.sqlite")]
    for path, found in zip(paths, (best(identity=OLD), best("fold-constants", 40)), strict=True):
        with Store.open(path) as store:
            store.identities.register(found.identity)
            store.bests.record(found)
    result = run(OLD.key[:8], IDENTITY.key, "--store", paths[0], "--other-store", paths[1], "--json")
    assert result.exit_code == 0, result.output
    reported = json.loads(result.output)
    assert (reported["a"]["figures"]["cycles"], reported["b"]["figures"]["cycles"]) == (60, 40)
    assert reported["differences"] == [{"name": "ethos-u-vela", "a": "5.0.0", "b": "5.1.0"}]
    assert reported["recipes"] == [{"a": "fuse-transposes", "b": ""}, {"a": "", "b": "fold-constants"}]
    assert {row["name"] for row in reported["operators"]} == {"conv_1", "moved_1", "add_1"}
    missing = run(IDENTITY.key[:8], IDENTITY.key, "--store", paths[0])
    assert missing.exit_code == 1 and "no bests whose identity begins" in str(missing.exception)


@pytest.mark.slow
def test_two_recipes_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p = Program()
    model = tmp_path / "small.tosa"
    model.write_bytes(p.tosa(p.table(p.transpose(p.transpose(p.input(1, 3, 8, 8), 0, 2, 3, 1), 0, 3, 1, 2))))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    about = ("--model", str(model), "--target", "ethos-u85-256", "--store", str(tmp_path / "store.sqlite"))
    result = run("default", "fuse-transposes", *about, "--json")
    assert result.exit_code == 0, result.output
    reported = json.loads(result.output)
    assert reported["recipes"] == [{"a": "", "b": "fuse-transposes"}] and reported["differences"] == []
    assert reported["a"]["figures"]["cycles"] >= reported["b"]["figures"]["cycles"] > 0 and reported["b"]["verified"]
    assert (
        sum(row["b"]["cycles"] for row in reported["operators"] if row["b"])
        == reported["b"]["figures"]["metrics"]["stream_cycles"]
    )
