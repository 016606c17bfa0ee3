"""Runs a `.pte` by a command of the user's, which knows a board or an emulator. docs/cortex-m.md has the protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from workers.cortex_m.check.differences import differing, distance, gap, in_memory
from workers.cortex_m.run.expected import Expected
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
    expected: Expected,
    folder: Path,
    timeout_seconds: float,
) -> Counted:
    """Have a program run, and compare its outputs bit for bit.

    Args:
        command: the runner and its arguments. The folder is added as the last one.
        program: content of the `.pte` file.
        inputs: of one inference.
        expected: what the lowered program has to give.
        folder: what passes between velatune and the runner; it exists.
        timeout_seconds: the runner is ended then.

    Returns:
        What was counted.

    Raises:
        OutputsDiffer: the runner computes other outputs. The message says how far they are off.
        ModelError: the runner cannot be started, fails, takes too long, or says nothing that can be read.
    """
    (unit, count), found = given_by(command, program, inputs, expected.outputs, folder, timeout_seconds)
    other = sum(differing(one, due) for one, due in zip(found, expected.outputs, strict=True))
    values = sum(one.numel() for one in expected.outputs)
    if other:
        raise OutputsDiffer(
            f"{command[0]}: {other} of {values} values of the outputs differ from those computed here, "
            f"by up to {_farthest(found, expected)}{_excuse(expected.rounding)}"
        )
    return Counted(count, unit, values)


def given_by(
    command: Sequence[str],
    program: bytes,
    inputs: Sequence[torch.Tensor],
    like: Sequence[torch.Tensor],
    folder: Path,
    timeout_seconds: float,
) -> tuple[tuple[Unit, int], list[torch.Tensor]]:
    """Have a program run.

    Args:
        command, program, inputs, folder, timeout_seconds: as of `run_by`.
        like: tensors of the shapes, dtypes and orders of axes of the outputs.

    Returns:
        The unit and the count of what was counted, and the outputs.

    Raises:
        ModelError: as `run_by`.
    """
    (folder / "model.pte").write_bytes(program)
    for number, one in enumerate(inputs):
        (folder / f"input{number}.bin").write_bytes(in_memory(one))
    described = {"inputs": [_described(one) for one in inputs], "outputs": [_described(one) for one in like]}
    (folder / "tensors.json").write_text(json.dumps(described), encoding="utf-8")
    counted = _said(output_of([*command, str(folder)], command[0], timeout_seconds), command[0])
    return counted, [_read(folder / f"output{number}.bin", one) for number, one in enumerate(like)]


def _farthest(found: Sequence[torch.Tensor], expected: Expected) -> str:
    """How far outputs are off: in steps those that are quantised, and as they are the others."""
    gaps = [gap(one, other) for one, other in zip(found, expected.outputs, strict=True)]
    off = list(zip(gaps, expected.steps, strict=True))
    quantised = [(one, step) for one, step in off if step and one]
    others = [one for one, step in off if not step and one]
    farthest = [distance(*max(quantised, key=lambda one: one[0] / one[1]))] if quantised else []
    return " and ".join([*farthest, *([distance(max(others), None)] if others else [])]) or "0"


def _excuse(rounding: Sequence[str]) -> str:
    """What may be the reason of a difference that is no error."""
    if not rounding:
        return ""
    return f"; computed in float, where a processor may round otherwise: {', '.join(rounding)}"


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


def _read(file: Path, like: torch.Tensor) -> torch.Tensor:
    """A written output. Raises ModelError if it is no such output."""
    order, size = like.dim_order(), like.numel() * like.element_size()
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file.name}: the runner did not write it ({error.strerror})") from error
    if len(content) != size:
        raise ModelError(f"{file.name}: the runner wrote {len(content)} bytes; the output has {size}")
    found = torch.empty_like(like)
    if size:
        values = torch.frombuffer(bytearray(content), dtype=like.dtype)
        found.permute(order).copy_(values.view(like.permute(order).shape))
    return found


def _described(tensor: torch.Tensor) -> dict[str, Any]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(tensor.shape), "order": list(tensor.dim_order())}
