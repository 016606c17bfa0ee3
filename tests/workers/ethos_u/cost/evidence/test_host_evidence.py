"""Evidence of the CPU's side: rows are read, priced as programs are, shown, and held to their limits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from statistics import median

import pytest
from click.testing import CliRunner, Result
from support.samples.evidence_folder import change, copy_of_evidence, rows_of

from tuner.cli import cli
from workers.errors import ModelError
from workers.ethos_u.cost.estimates.host_cost import PRICES, host_cycles
from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.cost.evidence import SHIPPED, read_evidence
from workers.ethos_u.cost.evidence.host import host_comparisons


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def validate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *arguments])


def test_every_row_is_compared() -> None:
    found = Counter(row.subject for row in host_comparisons(SHIPPED))
    assert found["operator"] == len(rows_of(SHIPPED / "host_operators.csv"))
    assert found["inference"] == len(rows_of(SHIPPED / "host_inferences.csv"))
    assert found["delegate call"] == 1, "the boots of one program count once"
    assert all(row.source for row in host_comparisons(SHIPPED))


def test_a_call_is_compared_with_what_the_board_idled() -> None:
    idle = median(float(row["board_idle"]) for row in rows_of(SHIPPED / "board.csv"))
    (call,) = (row for row in host_comparisons(SHIPPED) if row.subject == "delegate call")
    assert (call.counted, call.label, call.unit) == (idle, "measured", "NPU cycles")
    assert call.predicted == host_cycles([], [()], 0.0)


def test_classes_without_evidence_say_so() -> None:
    with_rows = {row.kind for row in host_comparisons(SHIPPED) if row.subject == "operator"}
    counted = {kind for kind, price in PRICES.items() if price.basis == "counted"}
    assert with_rows - {"copy"} == counted - {"view"}


def test_an_inference_is_the_npu_and_what_the_cpu_does_around_it() -> None:
    (reported,) = rows_of(SHIPPED / "host_inferences.csv")
    (row,) = (row for row in host_comparisons(SHIPPED) if row.subject == "inference")
    operators = [HostOperator("quantize_per_tensor", 490, 490), HostOperator("dequantize_per_tensor", 12, 12)]
    cycles = int(reported["npu_cycles"]) + host_cycles(operators, [(490, 12)])
    assert row.predicted == pytest.approx(1000 * cycles / float(reported["clock_hz"]))


def test_they_are_printed_and_in_the_json() -> None:
    output, reported = validate().stdout, json.loads(validate("--json").stdout)
    rows = read_evidence(SHIPPED).host
    assert len(reported["host_rows"]) == len(rows) and {one["rows"] for one in reported["host_errors"]} > {1}
    for row in rows:
        assert row.what in output and f"{row.error_percent:+.1f} %" in output
    assert "Assumed, without evidence: " in output


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [("board.csv", "board_idle", "delegate call"), ("host_operators.csv", "counted", "operator permute")],
)
def test_a_changed_count_is_noticed(table: str, column: str, said: str, tmp_path: Path) -> None:
    folder = copy_of_evidence(tmp_path)
    change(folder / table, lambda row: row.update({column: str(3 * int(row[column]))}))
    result = validate("--data", str(folder))
    assert result.exit_code == 1 and f"host work, {said}" in result.stderr


@pytest.mark.parametrize(
    ("table", "broken"),
    [
        ("host_operators.csv", {"elements": "many"}),
        ("host_operators.csv", {"calls": "0"}),
        ("host_operators.csv", {"unit": "seconds"}),
        ("host_operators.csv", {"counted": ""}),
        ("host_operators.csv", {"macs": "-1"}),
        ("host_operators.csv", {"label": "guessed"}),
        ("host_inferences.csv", {"operators": "relu"}),
        ("host_inferences.csv", {"copied_bytes": "12 x"}),
        ("host_inferences.csv", {"clock_hz": ""}),
        ("host_inferences.csv", {"milliseconds": "nan"}),
        ("board.csv", {"board_idle": "a while"}),
    ],
)
def test_a_broken_row_is_reported_in_one_line_that_says_where(
    table: str, broken: dict[str, str], tmp_path: Path
) -> None:
    folder = copy_of_evidence(tmp_path)
    change(folder / table, lambda row: row.update(broken))
    with pytest.raises(ModelError, match=rf"{table}, line 2: ") as reported:
        host_comparisons(folder)
    assert "\n" not in str(reported.value)
