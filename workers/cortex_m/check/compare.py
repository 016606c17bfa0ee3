"""Whether a candidate computes what the model computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.export import ExportedProgram
from torch.fx import Node

from workers.cortex_m.check.differences import distance, gap
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import results_of


@dataclass(frozen=True)
class Outcome:
    """The result of a comparison of outputs.

    Attributes:
        equal: whether the outputs pass.
        message: in one line, what differs; empty if they pass.
    """

    equal: bool
    message: str


def same_bits(found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> Outcome:
    """Whether outputs are equal bit for bit, with their shapes and dtypes.

    Args:
        found: outputs of a candidate.
        wanted: outputs of the default lowering, in the same order.

    Returns:
        Whether they are, or the first output that differs.
    """
    shapes = _same_shapes(found, wanted)
    if not shapes.equal:
        return shapes
    for number, (one, other) in enumerate(zip(found, wanted, strict=True), start=1):
        # Values that are not a number are equal to each other.
        differing = int(((one != other) & ~((one != one) & (other != other))).sum())
        if differing:
            return Outcome(False, f"output {number}: {differing} of {one.numel()} values differ from the baseline's")
    return Outcome(True, "")


def within_one_step(
    found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor], steps: Sequence[float | None]
) -> Outcome:
    """Whether outputs have the quantised model's shapes, and are off by one quantisation step at most.

    Args:
        found: outputs of a lowered program.
        wanted: outputs of the quantised PyTorch model.
        steps: of each output, see `output_steps`; None: it is not quantised, and has to be equal up to rounding.

    Returns:
        Whether they are, or the first output that is not.
    """
    shapes = _same_shapes(found, wanted)
    if not shapes.equal:
        return shapes
    for number, (one, other, step) in enumerate(zip(found, wanted, steps, strict=True), start=1):
        difference = gap(one, other)
        allowed = 1e-5 * gap(*_finite(other)) if step is None else 1.001 * step
        if difference > allowed:
            off = distance(difference, step)
            return Outcome(False, f"output {number}: values are off by up to {off} from the quantised model's")
    return Outcome(True, "")


def _finite(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The finite ones of some values, and as many zeros."""
    finite = values.double()[values.isfinite()]
    return finite, torch.zeros_like(finite)


def output_steps(lowered: ExportedProgram) -> tuple[float | None, ...]:
    """The quantisation step of each output of a lowered program; None where the last operator computes in float."""
    return tuple(_step(one) for one in results_of(lowered) if isinstance(one, Node))


def _step(node: Node) -> float | None:
    while operator_of(node) == "view_copy":
        node = node.all_input_nodes[0]
    return float(node.args[1]) if operator_of(node) == "dequantize_per_tensor" else None  # type: ignore[arg-type]


def _same_shapes(found: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> Outcome:
    actual, expected = ([(tuple(one.shape), one.dtype) for one in values] for values in (found, wanted))
    return Outcome(
        actual == expected,
        "" if actual == expected else f"outputs have shapes and dtypes {actual} instead of {expected}",
    )
