"""Where look-up tables lie inside the NPU, which ones operations use, and what destroys them."""

from __future__ import annotations

from workers.command_stream import Operation
from workers.npu_model.errors import Unmodelled

_TABLE_MEMORY_BYTES = 2048
_SLOT_BYTES = 256
# SHRAM in KB where it is less than 48 (Vela's ethos_u55.cpp and ethos_u65.cpp).
_SHRAM_KB = {"ethos-u55-32": 16, "ethos-u55-64": 16, "ethos-u55-128": 24}
_MOST_SHRAM_KB = 48
_NOTHING_RESERVED_KB = 16

_U85_TABLE_BYTES = {
    "LUT_U8_U8": 256, "LUT_S8_S8": 256, "LUT_S8_S16": 512, "LUT_S8_S32": 1024, "LUT_S16_S16": 2048, "LUT_S16_S32": 2048,
    "LUT_TANH": 2048, "LUT_SIGMOID": 2048,
}  # fmt: skip


def table_memory(accelerator: str) -> tuple[int, int]:
    """First byte and end of the memory inside the NPU that tables are read from: all of it on U85, the last 2 KB of the
    SHRAM on U55 and U65 (Vela's ethos_u55.cpp, `TryBlockConfig`)."""
    if accelerator.startswith("ethos-u85"):
        return 0, _TABLE_MEMORY_BYTES
    end = 1024 * _SHRAM_KB.get(accelerator, _MOST_SHRAM_KB)
    return end - _TABLE_MEMORY_BYTES, end


def table_of(operation: Operation, accelerator: str) -> tuple[int, int] | None:
    """First byte and end of the table that an operation looks its results up in, inside the NPU; None if it has none.

    Raises:
        Unmodelled: the table would not be in the memory for tables.
    """
    activation, ofm = operation.activation, operation.ofm
    if activation is None or activation.table is None or ofm is None:
        return None
    first, end = table_memory(accelerator)
    if operation.family == "ethos-u85":
        size = _U85_TABLE_BYTES[activation.register_name]
        begin = first + activation.table * size
    else:
        # Of a table for 16-bit values an entry has 4 bytes and there are 512.
        size = _TABLE_MEMORY_BYTES if ofm.element_bytes == 2 else _SLOT_BYTES * ofm.element_bytes
        begin = first + activation.table * _SLOT_BYTES
    if begin + size > end:
        raise Unmodelled(f"table {activation.table} of the operation at {operation.offset:#x} is not where tables are")
    return begin, begin + size


def overwrites_tables(operation: Operation, accelerator: str) -> bool:
    """Whether an operation's accumulators or buffers take the place of the tables: on U55-32 and U55-64, where no part
    of the SHRAM is reserved for tables, those of an operation that uses none (Vela's `PrepareCommand`)."""
    if _SHRAM_KB.get(accelerator) != _NOTHING_RESERVED_KB or not operation.computes:
        return False
    activation = operation.activation
    return activation is None or activation.table is None
