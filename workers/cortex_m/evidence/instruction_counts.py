"""Reads the tables of executed instructions, of single kernels and of whole models. All counts are simulated."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.operator import OperatorCall

_DATA = Path(__file__).with_name("data")
#: Kernel calls of lowered models, by model, variant and processor, then by operator: `benchmarks.cortex_m.calls`.
CALLS = _DATA / "model_calls.json"
#: Counted instructions and kernel calls of models that nothing is fitted to: `benchmarks.cortex_m.fresh_models`.
FRESH = _DATA / "fresh_models.json"
#: Rows of `batch_matmul` in `instructions.csv` that ran with an offset of zero on one side, which it has no column for.
#: All rows were counted again with both offsets, and these alone differed.
_WITHOUT_OFFSET = {
    ("cortex-m55", 4, 1, 20, 4): "left",
    ("cortex-m55", 2, 16, 64, 16): "right",
    ("cortex-m4", 1, 16, 16, 16): "right",
}
_OPERATOR = re.compile(r"(\w+)\.\w+:(\d+)x=(\d+)")


@dataclass(frozen=True)
class ModelRun:
    """One inference of a whole `.pte` file.

    Attributes:
        model, variant, cpu: which.
        status: `ok`, or what went wrong.
        execute_instructions: of the whole inference.
        kernel_instructions: those of the operators in it.
        operators: instructions of the file.
        by_operator: operator -> how often it was called, and all its instructions.
        calls: operator -> the kernels it called, in order; empty where they are not known.
    """

    model: str
    variant: str
    cpu: str
    status: str
    execute_instructions: int
    kernel_instructions: int
    operators: int
    by_operator: dict[str, tuple[int, int]]
    calls: dict[str, list[KernelCall]]

    @property
    def operator_calls(self) -> list[OperatorCall]:
        """Its operators without their names; their order costs nothing."""
        return [OperatorCall("", name, call) for name, calls in self.calls.items() for call in calls]


def counted_kernels(cpu: str) -> Iterator[tuple[KernelCall, int]]:
    """Kernel calls that finished on a processor, and their executed instructions."""
    for table in ("instructions.csv", "more_kernels.csv"):
        for row in _rows(table):
            if row["cpu"] == cpu and row["status"] == "0":
                call = KernelCall.from_row(row)
                side = _WITHOUT_OFFSET.get((cpu, call.n, call.h, call.c, call.o)) if _is_old_product(row) else None
                if side:
                    call = replace(call, no_left_offset=side == "left", no_right_offset=side == "right")
                yield call, int(row["instructions"])


def _is_old_product(row: dict[str, str]) -> bool:
    return row["kernel"] == "batch_matmul" and "left_offset" not in row


def model_runs() -> Iterator[ModelRun]:
    """Whole models that were run."""
    calls = json.loads(CALLS.read_text(encoding="utf-8"))
    for row in _rows("e2e.csv"):
        by_operator = {name: (int(times), int(total)) for name, times, total in _OPERATOR.findall(row["by_op"])}
        known = calls.get(f"{row['model']}/{row['variant']}/{row['target']}", {})
        read = {name: [_call(one) for one in own] for name, own in known.items()}
        whole, kernels, operators = (
            int(row[name] or 0) for name in ("execute_instructions", "kernel_instructions", "ops_in_pte")
        )
        yield ModelRun(
            row["model"], row["variant"], row["target"], row["status"], whole, kernels, operators, by_operator, read
        )


def fresh_runs() -> Iterator[ModelRun]:
    """Whole models that nothing is fitted to. Their operators were not counted one by one."""
    for model, runs in json.loads(FRESH.read_text(encoding="utf-8")).items():
        for cpu, run in runs.items():
            calls = {name: [_call(one) for one in own] for name, own in run["calls"].items()}
            operators = sum(map(len, calls.values()))
            yield ModelRun(model, "fresh", cpu, "ok", run["instructions"], 0, operators, {}, calls)


def row_convolutions() -> Iterator[dict[str, str]]:
    """1-D convolutions along the width that were run on Cortex-M55, with what came of them."""
    return _rows("conv1d_1xn_m55.csv")


def _call(record: dict[str, object]) -> KernelCall:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}
    return KernelCall(**fields)  # type: ignore[arg-type]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
