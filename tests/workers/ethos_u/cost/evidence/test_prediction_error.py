"""Predicted cycles say how far such predictions are off, and gains that are smaller than that say so."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.samples.sample_results import IDENTITY, best, evaluation, figures, mutated

from benchmarks.predictions.validation import ERRORS_FILE, PAGE, errors_text, tables
from results.records.best import Best
from results.records.compare import Gain
from results.records.figures import OperatorRow
from results.records.identity import Identity
from results.records.measurement import Measurement
from results.reports.brief import brief
from results.reports.comparison import Comparison, Side
from results.reports.prediction_error import WITHIN, PredictionError, error_for, labelled, shipped_error
from results.reports.report import ReportExtras, report_html, write_index
from results.reports.summary import markdown_table
from results.reports.tune_json import tune_json
from tuner.cli import cli
from tuner.tuning.identity import target_record
from tuner.tuning.objective import Objective
from workers.ethos_u.cost.stream_cost import MODEL_VERSION
from workers.ethos_u.cost.stream_cost.evidence_kinds import has_evidence

STREAM = replace(IDENTITY, objective=Objective("stream").on("ethos-u").facts())
ERROR = PredictionError(mean_percent=6.2, worst_percent=11.0, pair_percent=4.0, programs=9)


def own(identity: Identity, counted: int, predicted: int, **others: str) -> Measurement:
    values = {"device": "kit", "program_sha256": f"{counted:064x}", "model_version": MODEL_VERSION, **others}
    return Measurement(
        target=identity.target, label="measured", program="net.pte", cycles=counted, predicted_cycles=predicted,
        parts=(), board_facts="", **values,
    )  # fmt: skip


def tuned(default_cycles: int, best_cycles: int) -> Best:
    default = evaluation("default", identity=STREAM, figures=figures(default_cycles))
    return best(
        "x", identity=STREAM, default=default, best=evaluation("x", identity=STREAM, figures=figures(best_cycles))
    )


def test_the_errors_that_are_reported_are_those_of_the_evidence() -> None:
    assert ERRORS_FILE.read_text() == errors_text(), "run: make validation"
    assert tables() in PAGE.read_text(), "run: make validation"


@pytest.mark.parametrize("npu", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-2048"])
def test_each_estimate_has_its_error(npu: str) -> None:
    stream, vela, both = (
        shipped_error(npu, Objective(kind).on("ethos-u").facts()) for kind in ("stream", "vela", "both")
    )
    assert stream is not None and stream == both and stream != vela
    assert shipped_error(npu, Objective("stream", max_sram_bytes=9).on("ethos-u").facts()) == stream


def test_nothing_is_reported_without_evidence() -> None:
    assert shipped_error("cortex-m55", Objective().on("ethos-u").facts()) is None
    other_version = Objective().on("ethos-u").facts() | {"stream_model": f"{MODEL_VERSION}.0"}
    assert shipped_error("ethos-u55-128", other_version) is None
    assert labelled("predicted", None) == "predicted" and labelled("measured", ERROR) == "measured"


def test_own_measurements_on_the_very_target_come_first() -> None:
    shipped = error_for(STREAM)
    some = [own(STREAM, 100, 104), own(STREAM, 200, 188)]
    error = error_for(STREAM, some)
    assert error is not None and (error.origin, error.programs) == ("own", 2)
    assert (error.mean_percent, error.worst_percent) == (pytest.approx(5), pytest.approx(6))
    elsewhere = mutated(STREAM, ("target", "facts", "memory_mode"), "Sram_Only")
    assert error_for(elsewhere, some) == error_for(elsewhere) != error
    assert error_for(STREAM, [own(STREAM, 100, 104, model_version="before")]) == shipped
    by_vela = replace(STREAM, objective=Objective("vela").on("ethos-u").facts())
    assert error_for(by_vela, some) == error_for(by_vela), "they are predicted by the model"


def test_a_gain_is_distinguished_beyond_the_error_of_a_ratio() -> None:
    assert ERROR.covers(Gain(103, 100)) and ERROR.covers(Gain(104, 100))
    assert not ERROR.covers(Gain(105, 100)) and not ERROR.covers(Gain(10**6, 1))
    assert not ERROR.covers(Gain(100, 100)) and not ERROR.covers(Gain(100, 101))
    assert str(replace(ERROR, worst_percent=11.4)) == "±12 %", "rounded up"
    assert str(replace(ERROR, worst_percent=0.2)) == "±1 %"


@pytest.mark.parametrize(("best_cycles", "within"), [(60_000, False), (99_900, True), (100_000, False)])
def test_every_place_tells_it(best_cycles: int, within: bool, tmp_path: Path) -> None:
    one = tuned(100_000, best_cycles)
    error = error_for(STREAM)
    assert error is not None
    places = {
        "table": markdown_table([one]),
        "line": brief(one),
        "report": unescape(report_html(one, ReportExtras())).replace(f"smaller gains are {WITHIN}", ""),
        "index": unescape(write_index([one], tmp_path / "index.html").read_text()),
        "comparison": Comparison(Side(STREAM, one.default), Side(STREAM, one.best)).to_text(),
    }
    for place, text in places.items():
        assert str(error) in text, place
        assert (WITHIN in text) == within, place
    reported = tune_json(one)
    assert reported["within_error"] == within and reported["prediction_error"]["mean_percent"] == error.mean_percent


def of_kinds(**cycles: int) -> Best:
    """A best whose operators are of these kinds."""
    rows = tuple(OperatorRow(0, kind, kind, kind, count, count) for kind, count in cycles.items())
    one = tuned(100_000, 60_000)
    return replace(one, best=replace(one.best, operators=rows))


def test_what_nobody_measured_is_reported_with_the_error(tmp_path: Path) -> None:
    one = of_kinds(Conv2D=590, MatMul=310, Softmaxish=100)
    gap = "41 % of the cost is in kinds that no evidence covers (MatMul, Softmaxish)"
    error = error_for(STREAM, (), one.best.operators)
    assert error is not None and str(error) == f"{error.short} where evidence covers it; {gap}"
    assert error.unmeasured_percent == 41 and error.unmeasured_kinds == ("MatMul", "Softmaxish")
    assert f"{error.short} on {error.basis} where it covers the program; {gap}" in brief(one)
    assert (
        gap in report_html(one, ReportExtras()) and "covers 59 %" in write_index([one], tmp_path / "i.html").read_text()
    )
    assert f"| {error.short} | 59 % |" in " ".join(markdown_table([one]).split())
    assert gap in Comparison(Side(STREAM, one.default), Side(STREAM, one.best)).to_text()
    assert tune_json(one)["prediction_error"]["unmeasured_kinds"] == ["MatMul", "Softmaxish"]


def test_no_word_of_it_where_evidence_covers_all_or_is_the_users_own() -> None:
    covered, other = of_kinds(Conv2D=9, Transpose=1), of_kinds(MatMul=1)
    assert error_for(STREAM, (), covered.best.operators) == error_for(STREAM)
    assert "| 100 % |" in " ".join(markdown_table([covered]).split())
    own_error = error_for(STREAM, [own(STREAM, 100, 102)], other.best.operators)
    assert own_error is not None and str(own_error) == "±2 %"
    almost = error_for(STREAM, (), of_kinds(Conv2D=996, MatMul=4).best.operators)
    assert almost is not None and str(almost) == almost.short, "less than half a percent"


def test_many_kinds_are_counted() -> None:
    error = error_for(STREAM, (), of_kinds(Mul=5, LUT=4, MatMul=3, Sub=2, Abs=1).best.operators)
    assert error is not None and error.gap.endswith("(Mul, LUT, MatMul, 2 more)")


@pytest.mark.parametrize("family", ["ethos-u55", "ethos-u65", "ethos-u85"])
@pytest.mark.parametrize("kind", ["Conv2D", "Transpose", "Resize", "MatMul", "LUT"])
def test_what_counts_as_measured_is_what_the_evidence_has(family: str, kind: str) -> None:
    error = shipped_error(f"{family}-256", Objective().on("ethos-u").facts(), [(kind, 7)])
    assert error is not None and error.unmeasured_percent == (0 if has_evidence(family, kind) else 100)


def test_own_measurements_are_reported_as_such() -> None:
    some = [own(STREAM, 100, 102)]
    one = tuned(100_000, 60_000)
    assert "±2 %" in markdown_table([one], some) and "±2 % on 1 program that you measured" in brief(one, some)
    assert "on 1 program that you measured on this target" in report_html(one, ReportExtras(measurements=some))
    assert tune_json(one, measurements=some)["prediction_error"]["origin"] == "own"


def test_where_nothing_is_known_it_is_reported() -> None:
    one = best()
    assert "| unknown |" in " ".join(markdown_table([one]).split())
    assert "error unknown" in brief(one)
    assert "no evidence for such targets" in report_html(one, ReportExtras())
    assert tune_json(one)["prediction_error"] is None


def test_what_is_added_changes_what_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command to the record that a search tells its error from."""
    from results.store.store import Store
    from workers.ethos_u.cost.evidence import SHIPPED
    from workers.ethos_u.target import Target as BoardTarget

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    stream = SHIPPED / "streams" / "kws_micronet_m.ethos-u55-128.cs.gz"
    reported = json.loads(CliRunner().invoke(cli, ["validate", "--json"]).stdout)
    predicted = next(row["predicted_cycles"] for row in reported["rows"] if f"{row['stream']}.cs.gz" == stream.name)
    command = ["validate", "add", str(stream), "--device", "kit", "--label", "measured"]
    added = CliRunner().invoke(cli, [*command, "--cycles", str(round(predicted / 1.25))])
    assert "off by 25.0 % on average" in added.stdout
    target = target_record(BoardTarget.parse("ethos-u55-128"))
    with Store.open() as store:
        error = error_for(replace(STREAM, target=target), store.measurements.all(target))
    assert error is not None and str(error) == "±25 %" and error.origin == "own"
