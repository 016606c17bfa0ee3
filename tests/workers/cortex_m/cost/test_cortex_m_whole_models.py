"""How far predictions of whole models are said to be off: on models that nothing was fitted to."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.cortex_m import costs
from benchmarks.cortex_m.whole_models import ERRORS_FILE, kind_of, left_out, of_run
from results.reports.prediction_error import shipped_error
from tuner.tuning.objective import Objective
from workers.cortex_m.cost.fitted import FILE
from workers.cortex_m.cost.price import price
from workers.cortex_m.evidence.instruction_counts import ModelRun, fresh_runs, model_runs
from workers.cortex_m.target import InstructionSet, Target

FITTED: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
FRESH = list(fresh_runs())


def test_the_errors_that_ship_are_those_of_the_tables() -> None:
    """Up to a digit that depends on the processor."""
    shipped, found = json.loads(ERRORS_FILE.read_text(encoding="utf-8")), json.loads(costs.texts()[ERRORS_FILE])
    assert shipped["model_version"] == found["model_version"]
    for one, other in zip(shipped["errors"], found["errors"], strict=True):
        assert one.pop("error") == pytest.approx(other.pop("error"), abs=0.11)
        assert one == other


@pytest.mark.parametrize("run", FRESH, ids=lambda one: f"{one.model}-{one.cpu}")
def test_models_that_nothing_was_fitted_to_are_within_4_per_cent(run: ModelRun) -> None:
    target = Target.parse(run.cpu)
    cost = price(run.operator_calls, target)
    assert not cost.uncosted
    assert cost.instructions == pytest.approx(run.execute_instructions, rel=0.04)
    found = of_run(run, FITTED[target.instruction_set.value], target.instruction_set)
    assert found.predicted == pytest.approx(cost.instructions, abs=1), "errors are those of the price that ships"


def test_many_kinds_of_models_are_among_them() -> None:
    assert len({one.model for one in FRESH}) >= 10
    assert not {one.model for one in FRESH} & {one.model for one in model_runs()}


def test_a_model_is_predicted_by_models_of_other_kinds_alone() -> None:
    asked: list[set[str]] = []

    def fit(runs: Sequence[ModelRun]) -> Mapping[str, Any]:
        asked.append({kind_of(one.model) for one in runs})
        return FITTED["dsp"]  # type: ignore[no-any-return]

    runs = [one for one in model_runs() if one.cpu == "cortex-m4" and one.calls]
    formulas = [name for kind in FITTED.values() for name in kind["errors"]]
    covered = {*formulas, "quantize_per_tensor", "dequantize_per_tensor"}
    predicted = {one.model for one in left_out(runs, fit, covered, InstructionSet.DSP)}
    kinds = {kind_of(one.model) for one in runs if one.model in predicted}
    assert {"ds", "resnet8", "w2l"} <= kinds
    assert [everything - some for everything, some in zip([kinds | {"silero"}] * len(asked), asked, strict=True)] == [
        {one} for one in sorted(kinds)
    ]


@pytest.mark.parametrize(("name", "known"), [("cortex-m55", True), ("cortex-m4", True), ("cortex-m7", False)])
def test_predictions_for_the_counted_processors_have_an_error(name: str, known: bool) -> None:
    error = shipped_error(name, Objective().on("cortex-m").facts(), [("conv2d", 900), ("gelu_portable", 100)])
    assert (error is not None) is known
    if error is not None:
        assert error.programs >= 15 and 0 < error.worst_percent < 4
        # The time of a GELU depends on its values.
        assert (error.unmeasured_percent, error.unmeasured_kinds) == (10.0, ("gelu_portable",))
