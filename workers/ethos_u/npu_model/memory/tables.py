"""Look-up tables, as activations use them.

Source: `GenerateActivation` in Vela's ethos_u55_register_cs_generator.cpp and ethos_u85_register_cs_generator.cpp; the
interpolation of 16-bit tables is that of TOSA 1.0's TABLE.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.memory.memory import Memory
from workers.ethos_u.npu_model.memory.table_place import table_place

# Bits that are looked up and bits that are found. U55 and U65: by the bytes of an OFM element.
_U55_WIDTHS = {1: (8, 8), 2: (16, 16), 4: (8, 32)}
_U85_WIDTHS = {
    "LUT_S8_S8": (8, 8), "LUT_S8_S16": (8, 16), "LUT_S8_S32": (8, 32), "LUT_S16_S16": (16, 16), "LUT_S16_S32": (16, 32),
}  # fmt: skip

_ENTRIES_16 = 512
_FRACTION_BITS = 7


@dataclass(frozen=True)
class TableLookup:
    """A table for one operation.

    Attributes:
        table: `[S, entries]`; of an interpolated table `[S, 512, 2]`: the value at a step, and the slope from there.
        lowest: the value that entry 0 is for.
        interpolated: whether it has a step for every 128 values.
        shift: by how much an interpolated result is shifted right, rounded to the nearest.
    """

    table: np.ndarray
    lowest: int
    interpolated: bool
    shift: int

    def of(self, values: np.ndarray) -> np.ndarray:
        """The table's value for each of `[S, H, W, C]`, int64 or the table's type.

        Raises:
            Fault: a value has no entry.
        """
        if values.size and (values.min() < self.lowest or values.max() >= -self.lowest):
            raise Fault(f"a value from {values.min()} to {values.max()} has no entry in a look-up table")
        index = (values - self.lowest).astype(np.int32)
        # All sets of inputs load the same tables.
        if not self.interpolated:
            return self.table[0][index]
        base, slope = self.table[0].astype(np.int64).T
        step, fraction = index >> _FRACTION_BITS, index & (1 << _FRACTION_BITS) - 1
        result = (base[step] << _FRACTION_BITS) + slope[step] * fraction
        return result + (1 << self.shift >> 1) >> self.shift


def table_of(operation: Operation, memory: Memory) -> TableLookup:
    """The table that an operation uses.

    Args:
        operation: one that looks its results up.
        memory: with the table.

    Returns:
        The table.

    Raises:
        Unmodelled: there is no such kind of table.
        Fault: it was not loaded.
    """
    ofm, activation = operation.ofm, operation.activation
    place = table_place(operation, memory.accelerator)
    assert ofm is not None and activation is not None and place is not None
    if operation.family == "ethos-u85":
        widths = _U85_WIDTHS.get(activation.register_name)
    else:
        widths = _U55_WIDTHS.get(ofm.element_bytes) if ofm.signed else None
    if widths is None or widths[1] != 8 * ofm.element_bytes:
        raise Unmodelled(
            f"table {activation.register_name} for {ofm.element_bytes}-byte elements at offset {operation.offset:#x}"
        )
    read, written = widths
    data = np.ascontiguousarray(memory.table(*place))
    if read == 8:
        return TableLookup(data.view(f"<i{written // 8}"), -128, False, 0)
    pairs = data.view("<i2").reshape(-1, _ENTRIES_16, 2)
    return TableLookup(pairs, -32768, True, _FRACTION_BITS if written == 16 else 0)
