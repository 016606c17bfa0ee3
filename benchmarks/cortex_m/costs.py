"""Fits instructions of Cortex-M kernels to counted rows: `python -m benchmarks.cortex_m.costs [--check]`.

Writes `workers/cortex_m/cost/fitted.json` from the tables in `workers/cortex_m/evidence/data`. Coefficients of loops
are fitted by non-negative least squares on relative errors. What ExecuTorch's operators and runtime take beside kernels
is fitted to whole models. The file also has the errors per formula on rows left out of the fit, in five parts. These
errors are also a table on docs/cortex-m.md. The errors of whole models are written to
`results/reports/prediction_errors/cortex-m.json`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any
from zlib import crc32

import click
import numpy as np
from scipy.optimize import nnls

from benchmarks.cortex_m.errors import PAGE, with_errors
from benchmarks.cortex_m.whole_models import ERRORS_FILE, Predicted, covered_formulas, errors_text, left_out, of_run
from workers.cortex_m.cost.fitted import FILE
from workers.cortex_m.cost.formulas.blocks import Counts
from workers.cortex_m.cost.kernels import counts_of, formula_of
from workers.cortex_m.evidence.instruction_counts import ModelRun, counted_kernels, fresh_runs, model_runs
from workers.cortex_m.target import InstructionSet

#: The largest share of a row's instructions that is no more than an error of rounding.
_ROUNDING = 1e-9

_PARTS = 5
_CPUS = {InstructionSet.MVE: "cortex-m55", InstructionSet.DSP: "cortex-m4"}


@dataclass(frozen=True)
class Sample:
    """Instructions that were counted, and how often the loops ran.

    Attributes:
        formula: whose error it tells of.
    """

    formula: str
    counts: Counts
    instructions: float

    @property
    def part(self) -> int:
        """Rows of equal calls fall into one part, so that none is predicted by its twin."""
        return crc32(repr((self.formula, sorted(self.counts.items()))).encode()) % _PARTS


@click.command()
@click.option("--check", is_flag=True, help="write nothing; fail if the file is another one")
def cortex_m_costs(check: bool) -> None:
    """Fit the coefficients and write them."""
    for file, wanted in texts().items():
        if check and file.read_text(encoding="utf-8") != wanted:
            raise click.ClickException(
                f"{file.name} is not what the tables give: run python -m benchmarks.cortex_m.costs"
            )
        if not check:
            file.write_text(wanted, encoding="utf-8")


def texts() -> dict[Path, str]:
    """What the files have to be: coefficients, the page with their errors, and the errors of whole models."""
    text = fitted_text()
    fitted = json.loads(text)
    covered = {one: covered_formulas(_runs(one), fitted[one.value]["errors"], one) for one in InstructionSet}
    models = {one: _in_no_fit(one, fitted[one.value], covered[one]) for one in InstructionSet}
    page = with_errors(PAGE.read_text(encoding="utf-8"), fitted)
    return {FILE: text, PAGE: page, ERRORS_FILE: errors_text(models, covered)}


def fitted_text() -> str:
    """What the file has to be."""
    found = {one.value: _fitted(one, _runs(one)) for one in InstructionSet}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _runs(instruction_set: InstructionSet) -> list[ModelRun]:
    """Whole models that ran to their end."""
    return [one for one in model_runs() if one.cpu == _CPUS[instruction_set] and one.status == "ok"]


def _in_no_fit(instruction_set: InstructionSet, found: Mapping[str, Any], covered: Collection[str]) -> list[Predicted]:
    """Whole models beside predictions that know nothing of them."""
    fresh = [one for one in fresh_runs() if one.cpu == _CPUS[instruction_set]]
    return [
        *left_out(_runs(instruction_set), partial(_fitted, instruction_set), covered, instruction_set),
        *(of_run(one, found, instruction_set) for one in fresh),
    ]


@cache
def _samples(instruction_set: InstructionSet) -> list[Sample]:
    rows = [
        Sample(formula_of(call, instruction_set) or "", counts_of(call, instruction_set), instructions)
        for call, instructions in counted_kernels(_CPUS[instruction_set])
    ]
    return [one for one in rows if one.counts]


def _fitted(instruction_set: InstructionSet, runs: Sequence[ModelRun]) -> dict[str, Any]:
    samples = _samples(instruction_set)
    coefficients = solved(samples)
    per_instruction, per_inference = _runtime(runs)
    operators, portable = _operators(runs, coefficients, instruction_set)
    return {
        "coefficients": {name: _short(value) for name, value in (coefficients | portable).items()},
        "operators": {name: round(value) for name, value in operators.items()},
        "other_operators": round(median(value for value in operators.values() if value)),
        "errors": _errors(samples),
        "per_instruction": per_instruction,
        "per_inference": per_inference,
    }


def solved(samples: Sequence[Sample]) -> dict[str, float]:
    """Coefficients, none of them negative, that make the squares of relative errors least. Formulas without a common
    loop are fitted apart, so that rows of one change nothing of the other."""
    return {name: value for part in _without_common_loops(samples) for name, value in _solved(part).items()}


def _without_common_loops(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples in groups, in their order; no two groups have a loop in common."""
    groups: list[tuple[set[str], list[int]]] = []
    for place, one in enumerate(samples):
        loops, places = set(one.counts), [place]
        apart = []
        for known, members in groups:
            if known.isdisjoint(loops):
                apart.append((known, members))
            else:
                loops, places = loops | known, members + places
        groups = [*apart, (loops, places)]
    return [[samples[place] for place in sorted(places)] for _, places in groups]


def _solved(samples: Sequence[Sample]) -> dict[str, float]:
    names = sorted({name for one in samples for name in one.counts})
    counted = np.array([one.instructions for one in samples])
    shares = np.array([[one.counts.get(name, 0) for name in names] for one in samples]) / counted[:, None]
    scale = shares.max(axis=0)
    values, _ = nnls(shares / scale, np.ones(len(samples)), maxiter=100 * len(names))
    values[values < _ROUNDING] = 0  # what is left of a zero depends on the processor
    return dict(zip(names, (values / scale).tolist(), strict=True))


def predicted(counts: Mapping[str, float], coefficients: Mapping[str, float]) -> float:
    """Instructions by the coefficients; a loop that none is known for counts nothing."""
    return sum(coefficients.get(name, 0.0) * times for name, times in counts.items())


def _errors(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Per formula, in per cent, on rows that were left out of the fit."""
    errors: dict[str, list[float]] = defaultdict(list)
    for part in range(_PARTS):
        coefficients = solved([one for one in samples if one.part != part])
        for one in (one for one in samples if one.part == part):
            errors[one.formula].append(100 * abs(predicted(one.counts, coefficients) / one.instructions - 1))
    return {
        formula: {"rows": len(own), "median": round(median(own), 2), "p95": round(float(np.percentile(own, 95)), 2)}
        for formula, own in errors.items()
    }


def _runtime(runs: Sequence[ModelRun]) -> tuple[int, int]:
    """What the runtime takes per operator and per inference: a line through all runs."""
    between = [one.execute_instructions - one.kernel_instructions for one in runs]
    slope, start = np.polyfit([one.operators for one in runs], between, 1)
    return round(float(slope)), round(float(start))


def _operators(
    runs: Sequence[ModelRun], kernels: Mapping[str, float], instruction_set: InstructionSet
) -> tuple[dict[str, float], dict[str, float]]:
    """What operators take beside their kernels, by name; and the coefficients of kernels that only models counted."""
    own, portable = [], []
    for run in runs:
        for operator, (calls, instructions) in run.by_operator.items():
            counts = [counts_of(call, instruction_set) for call in run.calls.get(operator, ())]
            if len(counts) != calls or not all(counts):
                continue
            loops = [(name, times) for one in counts for name, times in one.items()]
            known = sum(kernels[name] * times for name, times in loops if name in kernels)
            rest: Counts = defaultdict(float)
            for name, times in loops:
                rest[name] += times if name not in kernels else 0
            unknown = {name: times for name, times in rest.items() if times}
            if unknown:
                portable.append(Sample(operator, unknown, max(instructions - known, 1.0)))
            else:
                own.append((operator, (instructions - known) / calls))
    by_name = defaultdict(list)
    for operator, beside in own:
        by_name[operator].append(beside)
    fitted = solved(portable) if portable else {}
    constants = {operator: max(median(values), 0.0) for operator, values in by_name.items()}
    for name in constants.keys() & {f"{other}_nhwc" for other in constants}:
        # The other operator calls the same kernel and does more; the errors of kernels must not turn them round.
        constants[name] = min(constants[name], constants[name.removesuffix("_nhwc")])
    return constants | {one.formula: 0.0 for one in portable}, fitted


def _short(value: float) -> float:
    return float(re.sub(r"(\.\d*?)0+$", r"\1", f"{value:.6g}")) if value else 0.0


if __name__ == "__main__":
    cortex_m_costs()
