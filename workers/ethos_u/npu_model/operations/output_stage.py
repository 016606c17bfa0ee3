"""What happens to results before they are written: zero point, clip, look-up table, width of the OFM.

Source: `GenerateActivation` in Vela's ethos_u55_register_cs_generator.cpp and ethos_u85_register_cs_generator.cpp.
"""

from __future__ import annotations

import numpy as np

from workers.ethos_u.command_stream import FeatureMap, Operation
from workers.ethos_u.npu_model.errors import Unmodelled
from workers.ethos_u.npu_model.memory.memory import Memory
from workers.ethos_u.npu_model.memory.tables import TableLookup, table_of

# Range that `activation_clip_range` forces on U55 and U65, whatever the OFM's type.
_FORCED = {"FORCE_UINT8": (0, 255), "FORCE_INT8": (-128, 127), "FORCE_INT16": (-32768, 32767)}


def output_values(operation: Operation, values: np.ndarray, memory: Memory) -> np.ndarray:
    """The elements that are written.

    Args:
        operation: one that computes.
        values: results in the OFM's quantised domain without its zero point, `[S, H, W, C]` integers. May be changed.
        memory: holds the look-up tables.

    Returns:
        `[S, H, W, C]` in the type of the OFM.

    Raises:
        Unmodelled: the activation is not known.
        Fault: the look-up table was not loaded.
    """
    ofm = operation.ofm
    activation = operation.activation
    assert ofm is not None and activation is not None
    dtype = np.dtype(f"<{'i' if ofm.signed else 'u'}{ofm.element_bytes}")
    if activation.function in ("tanh", "sigmoid"):
        raise Unmodelled(f"the {activation.function} unit at offset {operation.offset:#x}")
    if ofm.zero_point:
        values = values + ofm.zero_point
    lookup = table_of(operation, memory) if activation.function == "lut" else None
    bounds = _u85_bounds(operation) if operation.family == "ethos-u85" else _u55_bounds(operation, ofm, lookup)
    if bounds is not None:
        values = np.clip(values, *bounds)
    if lookup is not None:
        values = lookup.of(values)
    # What is left of a value that does not fit is its low bits: TOSA's CAST on U85.
    return values.astype(dtype)


def _u85_bounds(operation: Operation) -> tuple[int, int] | None:
    """U85 clips to the two bounds, or not at all."""
    if operation.registers.choice("ACTIVATION", "activation_clip_range") == "NONE":
        return None
    activation = operation.activation
    assert activation is not None
    return activation.low, activation.high


def _u55_bounds(operation: Operation, ofm: FeatureMap, lookup: TableLookup | None) -> tuple[int, int]:
    """U55 and U65 saturate to the OFM's type or a forced one, and to the two bounds, which have 16 bits."""
    clip_range = operation.registers.choice("ACTIVATION", "activation_clip_range")
    bits = 8 * ofm.element_bytes
    widest = (-(1 << bits - 1), (1 << bits - 1) - 1) if ofm.signed else (0, (1 << bits) - 1)
    low, high = _FORCED.get(clip_range, widest)
    activation = operation.activation
    assert activation is not None
    if bits > 16 and clip_range == "OFM_PRECISION":
        ends = (-(1 << 15), (1 << 15) - 1) if ofm.signed else (0, (1 << 16) - 1)
        if lookup is not None or (activation.low, activation.high) != ends:
            raise Unmodelled(f"bounds of 16 bits on a 32-bit OFM at offset {operation.offset:#x}")
        return low, high
    return max(low, activation.low), min(high, activation.high)
