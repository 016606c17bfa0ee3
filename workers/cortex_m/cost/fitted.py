"""The coefficients of the formulas and their errors, as `python -m benchmarks.cortex_m.costs` fitted them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workers.cortex_m.target import InstructionSet

FILE = Path(__file__).with_name("fitted.json")


@dataclass(frozen=True)
class Error:
    """The error of predictions on rows left out of the fit, in per cent of the counted instructions.

    Attributes:
        rows: how many rows there are.
        median, p95: of the absolute errors.
    """

    rows: int
    median: float
    p95: float


@dataclass(frozen=True)
class Fitted:
    """Of one class of processors.

    Attributes:
        coefficients: instructions per run of a loop, by its name.
        operators: instructions of an operator of ExecuTorch beside its kernel, by the operator's name.
        other_operators: the same of operators in no model that was run: the median of the known ones.
        errors: by formula.
        per_instruction, per_inference: instructions of the runtime for each operator and for each inference.
    """

    coefficients: Mapping[str, float]
    operators: Mapping[str, float]
    other_operators: float
    errors: Mapping[str, Error]
    per_instruction: int
    per_inference: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Fitted:
        """What `fitted.json` holds for a class of processors."""
        errors = {name: Error(**values) for name, values in record["errors"].items()}
        return cls(**{**record, "errors": errors})


@cache
def fitted(instruction_set: InstructionSet) -> Fitted:
    """What ships for a class of processors."""
    return Fitted.from_record(json.loads(FILE.read_text(encoding="utf-8"))[instruction_set.value])


@cache
def fitted_hash() -> str:
    """Another one for other coefficients, so that no kept answer outlives those that it was priced by."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:12]
