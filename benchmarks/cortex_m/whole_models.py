"""How far predictions of whole models are off, on models that nothing was fitted to.

What ExecuTorch's operators and runtime take beside kernels is fitted to whole models. So it is fitted again without the
models of each kind, which are then predicted. Models of `benchmarks.cortex_m.fresh_models` are in no fit.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from results.reports.prediction_error import ERRORS_FOLDER
from workers.cortex_m.cost.fitted import Fitted
from workers.cortex_m.cost.kernels import formula_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.evidence.instruction_counts import ModelRun
from workers.cortex_m.target import COUNTED_WITH, InstructionSet, Target

ERRORS_FILE = ERRORS_FOLDER / "cortex-m.json"

#: A formula with a larger error on its own rows, in per cent, is not covered by the error of whole models. The time of
#: such kernels depends on their values.
_MOST_ERROR = 10.0

#: A formula that was counted in whole models alone is covered if models of so many kinds have it.
_FEWEST_KINDS = 3

#: What `_fitted` of `benchmarks.cortex_m.costs` makes of runs of whole models.
Fit = Callable[[Sequence[ModelRun]], Mapping[str, Any]]


@dataclass(frozen=True)
class Predicted:
    """A whole model that was run.

    Attributes:
        model: its name.
        predicted, counted: instructions of one inference.
    """

    model: str
    predicted: int
    counted: int

    @property
    def error(self) -> float:
        """In per cent, without its sign."""
        return 100 * abs(self.predicted / self.counted - 1)


def kind_of(model: str) -> str:
    """Models of one kind share their layers, as `silero` and `silero_enc` do."""
    return model.partition("_")[0]


def covered_formulas(
    runs: Sequence[ModelRun], errors: Mapping[str, Mapping[str, float]], instruction_set: InstructionSet
) -> frozenset[str]:
    """Formulas that the error of whole models is about.

    Args:
        runs: of whole models on one processor.
        errors: by formula, of kernels that were counted by themselves, as in `fitted.json`.
        instruction_set: of the processor.

    Returns:
        Formulas with small errors, and those that models of several kinds have.
    """
    kinds: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for formula in _formulas(run, instruction_set):
            kinds[formula].add(kind_of(run.model))
    in_models = {formula for formula, own in kinds.items() if formula not in errors and len(own) >= _FEWEST_KINDS}
    return frozenset(in_models | {name for name, error in errors.items() if error["p95"] <= _MOST_ERROR})


def left_out(
    runs: Sequence[ModelRun], fit: Fit, covered: Collection[str], instruction_set: InstructionSet
) -> Iterator[Predicted]:
    """Each model as it is predicted by a fit to models of other kinds.

    Args:
        runs: that ended, of one processor.
        fit: gives what `fitted.json` holds for a class of processors.
        covered: as `covered_formulas` gives them.
        instruction_set: of the processor.

    Yields:
        Predicted and counted instructions. Runs with other formulas, or whose kernels are not known, are left out.
    """
    runs = [one for one in runs if one.calls and _formulas(one, instruction_set) <= {*covered}]
    for kind in sorted({kind_of(one.model) for one in runs}):
        facts = fit([one for one in runs if kind_of(one.model) != kind])
        for one in runs:
            if kind_of(one.model) == kind:
                yield of_run(one, facts, instruction_set)


def errors_text(
    by_class: Mapping[InstructionSet, Sequence[Predicted]], covered: Mapping[InstructionSet, Collection[str]]
) -> str:
    """What the file of errors has to be.

    Args:
        by_class: models that are in no fit, by class of processors.
        covered: as `covered_formulas` gives them.

    Returns:
        JSON.
    """
    entries = []
    for instruction_set, models in by_class.items():
        errors = [one.error for one in models]
        pairs = [
            100 * abs(one.predicted / other.predicted * other.counted / one.counted - 1)
            for one, other in combinations(models, 2)
            if one.model == other.model
        ]
        entries.append({
            "target": Target.counted(instruction_set).cpu,
            "objective": {"counted_with": COUNTED_WITH},
            "by": "model",
            "kinds": sorted(covered[instruction_set]),
            "error": {
                "mean_percent": round(fmean(errors), 1), "worst_percent": round(max(errors), 1),
                "pair_percent": round(fmean(pairs), 1), "programs": len(models),
            },
        })  # fmt: skip
    return json.dumps({"model_version": COUNTED_WITH, "errors": entries}, indent=2) + "\n"


def _formulas(run: ModelRun, instruction_set: InstructionSet) -> set[str]:
    return {formula_of(call, instruction_set) or "" for calls in run.calls.values() for call in calls}


def of_run(run: ModelRun, facts: Mapping[str, Any], instruction_set: InstructionSet) -> Predicted:
    """A run beside its prediction.

    Args:
        run: of a model.
        facts: what `fitted.json` holds for the class of processors.
        instruction_set: of the processor.

    Returns:
        Both numbers.
    """
    cost = price(run.operator_calls, Target.counted(instruction_set), Fitted.from_record(facts))
    return Predicted(run.model, cost.instructions, run.execute_instructions)
