"""A `.pte` file run by a command of the user's.

A file that fails is a finding and no error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.run.expected import Expected
from workers.cortex_m.run.runner import Counted, OutputsDiffer, run_by
from workers.errors import ModelError


@dataclass(frozen=True)
class Tried:
    """The result of one run of a file.

    Attributes:
        outcome: "equal", or what was wrong, in one line.
        fault: what a guard would have to say; None if the outputs are equal.
        counted: what the command counted; None if the file fails or differs.
    """

    outcome: str
    fault: Severity | None
    counted: Counted | None


def tried(
    command: Sequence[str], content: bytes, inputs: Sequence[torch.Tensor], expected: Expected,
    timeout_seconds: float,
) -> Tried:  # fmt: skip
    """Have a file run once.

    Args:
        command: a runner, as of `run_by`.
        content: of the `.pte` file.
        inputs: of one inference.
        expected: what Python computes.
        timeout_seconds: the runner is ended then.

    Returns:
        What came of it.
    """
    with tempfile.TemporaryDirectory(prefix="velatune-runner-") as folder:
        try:
            counted = run_by(command, content, inputs, expected, Path(folder), timeout_seconds)
        except OutputsDiffer as error:
            return Tried(str(error), Severity.WRONG, None)
        except ModelError as error:
            return Tried(str(error), Severity.FAILS, None)
    return Tried("equal", None, counted)
