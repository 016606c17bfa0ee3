"""Runs a `.pte` by a command of the user's, which knows a board or an emulator. docs/cortex-m.md has the protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from workers.errors import ModelError
from workers.pool.user_command import output_of

Unit = Literal["instructions", "cycles"]


class OutputsDiffer(ModelError):
    """A runner ended well and wrote outputs of the right size, with other values than expected."""


@dataclass(frozen=True)
class Counted:
    """What a runner counted in one inference whose outputs are right.

    Attributes:
        count: how many.
        unit: of what.
        values: of the outputs, all of which were compared.
    """

    count: int
    unit: Unit
    values: int


def run_by(
    command: Sequence[str],
    program: bytes,
    inputs: Sequence[torch.Tensor],
    expected: Sequence[torch.Tensor],
    folder: Path,
    timeout_seconds: float,
) -> Counted:
    """Have a program run, and compare its outputs bit for bit.

    Args:
        command: the runner and its arguments. The folder is added as the last one.
        program: content of the `.pte` file.
        inputs: of one inference.
        expected: outputs of the lowered program, in order.
        folder: what passes between velatune and the runner; it exists.
        timeout_seconds: the runner is ended then.

    Returns:
        What was counted.

    Raises:
        OutputsDiffer: the runner computes other outputs.
        ModelError: the runner cannot be started, fails, takes too long, or says nothing that can be read.
    """
    (folder / "model.pte").write_bytes(program)
    for number, one in enumerate(inputs):
        (folder / f"input{number}.bin").write_bytes(_in_memory(one))
    described = {"inputs": [_described(one) for one in inputs], "outputs": [_described(one) for one in expected]}
    (folder / "tensors.json").write_text(json.dumps(described), encoding="utf-8")
    counted = _said(output_of([*command, str(folder)], command[0], timeout_seconds), command[0])
    differing = 0
    for number, one in enumerate(expected):
        differing += _differing(folder / f"output{number}.bin", one)
    values = sum(one.numel() for one in expected)
    if differing:
        raise OutputsDiffer(
            f"{command[0]}: {differing} of {values} values of the outputs differ from those computed here"
        )
    unit, count = counted
    return Counted(count, unit, values)


def _said(output: str, name: str) -> tuple[Unit, int]:
    """The unit and the count in the last line."""
    last = output.strip().rpartition("\n")[2]
    try:
        counts = json.loads(last)
    except ValueError:
        counts = None
    units: tuple[Unit, ...] = ("instructions", "cycles")
    if isinstance(counts, dict):
        for unit in units:
            if isinstance(counts.get(unit), int) and counts[unit] > 0:
                return unit, counts[unit]
    raise ModelError(f'{name}: its last line is {last[:80] or "empty"}, not {{"instructions": N}} or {{"cycles": N}}')


def _differing(file: Path, expected: torch.Tensor) -> int:
    """How many values of a written output are other ones. Raises ModelError if it is no such output."""
    wanted = _in_memory(expected)
    try:
        found = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file.name}: the runner did not write it ({error.strerror})") from error
    if len(found) != len(wanted):
        raise ModelError(f"{file.name}: the runner wrote {len(found)} bytes; the output has {len(wanted)}")
    width = expected.element_size()
    pairs = (np.frombuffer(one, dtype=np.uint8).reshape(-1, width) for one in (found, wanted))
    one, other = pairs
    return int((one != other).any(axis=1).sum())


def _in_memory(tensor: torch.Tensor) -> bytes:
    """Its values as they lie in memory."""
    return tensor.permute(tensor.dim_order()).contiguous().numpy().tobytes()


def _described(tensor: torch.Tensor) -> dict[str, Any]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(tensor.shape), "order": list(tensor.dim_order())}
