"""Transposes of int8 values that the kernel refuses or computes wrongly: by their rank, and by their width.

ExecuTorch's operator takes four axes. CMSIS-NN's `arm_transpose_s8` turns a matrix by rows whose counts and offsets
have 16 bits. With two axes it always does, with four on MVE where only the last two change places.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.guards.verdict import Severity, Verdict
from workers.cortex_m.target import InstructionSet

NAME = "transpose-axes"

_MOST_AXES = 4
#: The largest number of 16 bits.
_MOST = 0xFFFF
#: Values that MVE gathers at once; their offsets are multiples of a row's length.
_GATHERED = 8


def check(program: ExportedProgram, instruction_set: InstructionSet) -> Iterator[Verdict]:
    """Verdicts on transposes of int8 values.

    Args:
        program: a lowered program.
        instruction_set: of the processor.

    Yields:
        A verdict for each one that fails or comes out wrong.
    """
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_of(node) != "transpose":
            continue
        sizes, order = shape_of(node.args[0]), tuple(node.args[1])
        if len(sizes) > _MOST_AXES:
            message = f"{node.name}: the kernel of a transpose of {len(sizes)} axes gives error 0x12; it takes four"
            yield Verdict(NAME, node.name, Severity.FAILS, message)
        elif _by_rows(order, instruction_set):
            if order[-1] == len(order) - 1:
                message = f"{node.name}: the kernel turns the last two axes although their order stays"
                yield Verdict(NAME, node.name, Severity.WRONG, message)
            elif _too_wide(sizes[-2], sizes[-1], instruction_set):
                message = f"{node.name}: a matrix of {sizes[-2]} x {sizes[-1]} values is turned by offsets of 16 bits"
                yield Verdict(NAME, node.name, Severity.WRONG, message)


def _by_rows(order: tuple[int, ...], instruction_set: InstructionSet) -> bool:
    return len(order) == 2 or (order[:2] == (0, 1) and len(order) == 4 and instruction_set is InstructionSet.MVE)


def _too_wide(rows: int, columns: int, instruction_set: InstructionSet) -> bool:
    offset = (min(rows, _GATHERED) - 1) * columns if instruction_set is InstructionSet.MVE else 0
    return max(rows, columns, offset) > _MOST
