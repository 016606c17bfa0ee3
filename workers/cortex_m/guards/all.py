"""All guards of a lowered program."""

from __future__ import annotations

from torch.export import ExportedProgram

from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards import (
    channels_last,
    convolution_kinds,
    float_operators,
    padded_row,
    registered_kernels,
    row_convolution,
    scratch_sizes,
)
from workers.cortex_m.guards.shapes import broadcast_rows, negative_padding, softmax_axis, transpose_axes
from workers.cortex_m.guards.values import listed_numbers, requantize_overflow, unquantised_numbers
from workers.cortex_m.guards.verdict import Severity, Verdict
from workers.cortex_m.target import Target


def verdicts(program: ExportedProgram, target: Target, expected: list[tuple[int, ...]]) -> tuple[Verdict, ...]:
    """What the guards say of a lowered program on a target, worst first.

    Args:
        program: a lowered program.
        target: that is to run it.
        expected: shapes of the quantised model's outputs.

    Returns:
        Verdicts; none if the guards know of nothing.
    """
    found = (
        *row_convolution.check(operator_calls(program), target.instruction_set),
        *channels_last.check(program),
        *scratch_sizes.check(program, target),
        *padded_row.check(program, expected),
        *convolution_kinds.check(program),
        *registered_kernels.check(program),
        *softmax_axis.check(program),
        *broadcast_rows.check(program),
        *negative_padding.check(program),
        *transpose_axes.check(program, target.instruction_set),
        *requantize_overflow.check(program),
        *unquantised_numbers.check(program),
        *listed_numbers.check(program),
        *float_operators.check(program),
    )
    return tuple(sorted(found, key=lambda one: list(Severity).index(one.severity)))
