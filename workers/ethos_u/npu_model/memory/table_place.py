"""Where look-up tables lie inside the NPU, which ones operations use, and what destroys them."""

from __future__ import annotations

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.accelerator import TABLE_BYTES, Accelerator
from workers.ethos_u.npu_model.errors import Unmodelled

_SLOT_BYTES = 256

_U85_TABLE_BYTES = {
    "LUT_U8_U8": 256, "LUT_S8_S8": 256, "LUT_S8_S16": 512, "LUT_S8_S32": 1024, "LUT_S16_S16": 2048, "LUT_S16_S32": 2048,
    "LUT_TANH": 2048, "LUT_SIGMOID": 2048,
}  # fmt: skip


def table_place(operation: Operation, accelerator: Accelerator) -> tuple[int, int] | None:
    """Where the table is, inside the NPU, that an operation looks its results up in.

    Args:
        operation: any.
        accelerator: the NPU.

    Returns:
        First byte and end of the table; None if it has none.

    Raises:
        Unmodelled: the table would not be in the memory for tables.
    """
    activation, ofm = operation.activation, operation.ofm
    if activation is None or activation.table is None or ofm is None:
        return None
    first, end = accelerator.tables_at, accelerator.tables_at + TABLE_BYTES
    if operation.family == "ethos-u85":
        size = _U85_TABLE_BYTES[activation.register_name]
        begin = first + activation.table * size
    else:
        # Of a table for 16-bit values an entry has 4 bytes and there are 512.
        size = TABLE_BYTES if ofm.element_bytes == 2 else _SLOT_BYTES * ofm.element_bytes
        begin = first + activation.table * _SLOT_BYTES
    if begin + size > end:
        raise Unmodelled(f"table {activation.table} of the operation at {operation.offset:#x} is not where tables are")
    return begin, begin + size


def overwrites_tables(operation: Operation, accelerator: Accelerator) -> bool:
    """Whether an operation's accumulators take the place of the tables (Vela's `PrepareCommand`). On U55-32 and U55-64
    no part of the SHRAM is reserved for tables. There the accumulators of an operation that uses none do.

    Args:
        operation: any.
        accelerator: the NPU.

    Returns:
        Whether tables are gone after it.
    """
    return not accelerator.tables_are_safe and operation.computes and not operation.uses_table
