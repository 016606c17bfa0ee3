"""The MVE kernel for rows of height 1 (`arm_convolve_1_x_n_s8`): which stride, padding and width it computes rightly.

It assumes that both sides are padded alike, or the right one by one value more. It also assumes that every window on an
edge begins within the padding. The rule was compared with the kernel on Cortex-M55, see
`evidence/data/conv1d_1xn_m55.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, fmod

from workers.cortex_m.cost.call import KernelCall
from workers.cortex_m.cost.formulas.convolution import kernel_of
from workers.cortex_m.cost.formulas.depthwise import inner_convolution
from workers.cortex_m.cost.formulas.depthwise import kernel_of as depthwise_kernel_of
from workers.cortex_m.cost.operator import OperatorCall
from workers.cortex_m.guards.verdict import Severity, Verdict
from workers.cortex_m.target import InstructionSet

NAME = "row-convolution"
_MEND = "wrap this convolution along the height, or pad in an operator of its own"


def row_kernel_verdict(width: int, kernel: int, stride: int, padding: int) -> Severity | None:
    """What the row kernel does on one row; None if its outputs are right.

    Args:
        width: of the input, without padding.
        kernel, stride: along the width.
        padding: on the left, and on the right at least.

    Returns:
        What happens, or None.
    """
    out = (width + 2 * padding - kernel) // stride + 1
    needed = (out - 1) * stride + kernel - width  # padding of both sides; negative if the last value is not needed
    uneven = int(fmod(needed, 2))
    if 2 * padding + uneven != needed:
        return Severity.FAILS
    left = max(1, ceil(padding / stride)) if padding else 0
    right = max(1, ceil((padding + uneven) / stride)) if padding + uneven else 0
    if left + right > out:
        return None  # too narrow: it leaves the convolution to the kernel for all shapes
    edges_fit = needed == 2 * padding and (padding == 0 or stride == 1 or (padding - 1) % stride == 0)
    return None if edges_fit else Severity.WRONG


def check(operators: list[OperatorCall], instruction_set: InstructionSet) -> Iterator[Verdict]:
    """Verdicts on the convolutions that the row kernel computes, with MVE.

    Args:
        operators: of a lowered program.
        instruction_set: of the processor.

    Yields:
        A verdict for each convolution that comes out wrong or fails.
    """
    if instruction_set is not InstructionSet.MVE:
        return
    for one in operators:
        call = _row_convolution(one.call, instruction_set)
        severity = call and row_kernel_verdict(call.w, call.kw, call.sw, call.pw)
        if call and severity:
            what = "status -3" if severity is Severity.FAILS else "wrong values on the right edge"
            sizes = f"width {call.w}, kernel {call.kw}, stride {call.sw}, padding {call.pw}"
            message = f"{one.node} ({sizes}): {what} from the MVE kernel for rows of height 1; {_MEND}"
            yield Verdict(NAME, one.node, severity, message)


def _row_convolution(call: KernelCall | None, instruction_set: InstructionSet) -> KernelCall | None:
    """The call of the row kernel that a call ends in, if it does."""
    if call is None:
        return None
    if call.kernel.startswith("depthwise"):
        if depthwise_kernel_of(call, instruction_set) != "depthwise_as_convolution":
            return None
        call = inner_convolution(call, instruction_set)
    convolutions = ("conv2d", "conv1d_row", "conv1x1", "conv1x1_strided", "conv2d_grouped")
    if call.kernel not in convolutions or kernel_of(call, instruction_set) != "conv1d_row":
        return None
    return call
