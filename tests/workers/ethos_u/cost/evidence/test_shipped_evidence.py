"""The evidence that ships: every row is read, priced as its stream is, and within the limits that CI holds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.samples.evidence_folder import change, copy_of_evidence, rows_of

from tuner.cli import cli
from workers.ethos_u.command_stream import decode
from workers.ethos_u.cost.evidence import SHIPPED, read_evidence
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.target import Target


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def validate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *arguments])


def test_predictions_are_within_the_limits() -> None:
    result = validate()
    assert result.exit_code == 0, result.stderr


def test_every_row_is_compared_or_counted_as_left_out() -> None:
    evidence = read_evidence(SHIPPED)
    tables = ("totals.csv", "micro.csv", "ta_sweeps.csv", "per_launch.csv", "u55_transposes.csv")
    rows = sum(len(rows_of(SHIPPED / name)) for name in tables)
    boards = {row["stream"] for row in rows_of(SHIPPED / "board.csv")}
    assert len(evidence.comparisons) + sum(evidence.skipped.values()) == rows + len(boards)
    assert {row.family for row in evidence.comparisons} == {"ethos-u55", "ethos-u65", "ethos-u85"}
    assert {row.label for row in evidence.comparisons} == {"simulated", "measured"}
    assert all(row.source and row.clock_hz for row in evidence.comparisons)


def test_every_stream_that_ships_is_used() -> None:
    named = {row["stream"] for path in SHIPPED.glob("*.csv") for row in rows_of(path) if row.get("stream")}
    assert named == {path.name.removesuffix(".cs.gz") for path in (SHIPPED / "streams").iterdir()}


@pytest.mark.parametrize("name", ["kws_micronet_m.ethos-u55-128", "yolo-fastest_192_face_v4.ethos-u65-256"])
def test_a_program_is_priced_as_its_stream_is(name: str) -> None:
    """On accelerators whose adapter has the latencies and bandwidth that Vela was given."""
    row = next(one for one in read_evidence(SHIPPED).comparisons if one.subject == "program" and one.stream == name)
    reported = next(one for one in rows_of(SHIPPED / "totals.csv") if one["stream"] == name)
    target = Target.parse(
        reported["accelerator"], reported["system_config"], reported["memory_mode"], str(SHIPPED / "boards.ini")
    )
    stream = decode(gzip.decompress((SHIPPED / "streams" / f"{name}.cs.gz").read_bytes()))
    assert row.predicted_cycles == stream_cycles(stream, target).total_cycles
    assert row.counted_cycles == float(reported["fvp_active"])


def test_the_launches_of_a_program_add_up_to_it(tmp_path: Path) -> None:
    """With the launch that is left out, as its counters hold more than it."""
    folder = copy_of_evidence(tmp_path, "per_launch.csv", "totals.csv")
    change(folder / "per_launch.csv", lambda row: row.update(has_tail="0"))
    rows = read_evidence(folder).comparisons
    stream = "yolo-fastest_192_face_v4.ethos-u85-256"
    whole = next(row for row in rows if row.subject == "program" and row.stream == stream)
    launches = [row for row in rows if row.subject == "launch" and row.stream.startswith(f"{stream}[")]
    assert sum(row.predicted_cycles for row in launches) == whole.predicted_cycles


def test_settings_of_the_adapter_change_predictions() -> None:
    swept = [row for row in read_evidence(SHIPPED).comparisons if row.subject == "sweep"]
    by_latency = [row.predicted_cycles for row in swept if row.accelerator == "ethos-u85-256"]
    assert by_latency == sorted(by_latency) and len(set(by_latency)) == len(by_latency)
    narrow, *wide = (row.predicted_cycles for row in swept if row.accelerator == "ethos-u55-256")
    assert all(narrow > one for one in wide)


def test_json_has_every_row_and_the_errors() -> None:
    reported = json.loads(validate("--json").stdout)
    assert len(reported["rows"]) == len(read_evidence(SHIPPED).comparisons)
    by_hand = [
        abs(row["error_percent"])
        for row in reported["rows"]
        if row["family"] == "ethos-u65" and row["subject"] == "program"
    ]
    errors = next(
        one["model"] for one in reported["errors"] if (one["family"], one["subject"]) == ("ethos-u65", "program")
    )
    assert errors["mean_percent"] == pytest.approx(sum(by_hand) / len(by_hand), abs=0.02)
    assert errors["worst_percent"] == pytest.approx(max(by_hand), abs=0.02)
    assert reported["beyond_limits"] == []


def test_every_row_is_printed_with_its_error() -> None:
    output = validate().stdout
    for row in read_evidence(SHIPPED).comparisons:
        assert f"{row.error_percent:+.1f} %" in output and f"{row.counted_cycles:,.0f}" in output


@pytest.mark.parametrize("table", ["totals.csv", "board.csv", "u55_transposes.csv"])
def test_a_changed_count_is_noticed(table: str, tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path, table)
    column = "board_active" if table == "board.csv" else "fvp_active" if table == "totals.csv" else "fvp_total"
    rows = rows_of(folder / table)
    change(
        folder / table,
        lambda row: row.update({column: str(3 * int(row[column]))}),
        lambda row: row["stream"] == rows[-1]["stream"],
    )
    result = validate("--data", str(folder))
    assert result.exit_code == 1
    assert result.stderr.startswith("beyond the limit: ") and rows[-1]["model"] in result.stderr


def test_launches_that_took_longer_are_noticed(tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path, "per_launch.csv")
    change(
        folder / "per_launch.csv",
        lambda row: row.update(cycles_active="", cycles_total=str(3 * int(row["cycles_total"]))),
    )
    result = validate("--data", str(folder))
    assert result.exit_code == 1 and "launches above 3,000 cycles" in result.stderr


def test_the_other_order_is_noticed(tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path, "micro.csv")
    for column in ("fvp_active", "fvp_total"):
        change(
            folder / "micro.csv",
            lambda row, column=column: row.update({column: str(10**10 // int(row[column]))}),  # type: ignore[misc]
            lambda row, column=column: bool(row[column]),  # type: ignore[misc]
        )
    result = validate("--data", str(folder), "--limit", "1000000", "--limit-worst", "1000000")
    assert result.exit_code == 1 and "Kendall's tau" in result.stderr


def test_limits_can_be_given() -> None:
    strict = validate("--limit", "0.1")
    assert strict.exit_code == 1 and strict.stderr.count("the mean error of programs") == 3
    assert validate("--limit-worst", "0.1").stderr.count("is off by") == 3
    assert validate("--limit", "1000", "--limit-worst", "1000").exit_code == 0
    assert validate("--limit", "-1").exit_code == 2
