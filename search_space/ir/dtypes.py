"""TOSA element types: their number in the flatbuffer schema, their size, their numpy form."""

from __future__ import annotations

from functools import cache

import numpy as np

from search_space.errors import SpaceError

#: Schema order (`enum DType` of tosa.fbs, TOSA 1.0): the position is the number in the file.
DTYPES = (
    "UNKNOWN", "BOOL", "INT4", "INT8", "INT16", "INT32", "INT48", "FP32", "FP16", "BF16", "SHAPE",
    "FP8E4M3", "FP8E5M2", "FP6E2M3", "FP6E3M2", "FP4E2M1", "FP8UE8M0", "INT64", "MXINT8",
)  # fmt: skip
DTYPE_NUMBER = {name: number for number, name in enumerate(DTYPES)}

NUMPY = {
    "BOOL": np.dtype(np.bool_),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "FP32": np.dtype("<f4"),
    "FP16": np.dtype("<f2"),
    "INT64": np.dtype("<i8"),
    "SHAPE": np.dtype("<i8"),
}

_BITS = {
    "BOOL": 8, "INT4": 4, "INT8": 8, "INT16": 16, "INT32": 32, "INT48": 48, "FP32": 32, "FP16": 16,
    "BF16": 16, "SHAPE": 64, "FP8E4M3": 8, "FP8E5M2": 8, "INT64": 64,
}  # fmt: skip


#: Types that TOSA 1.0 has no TRANSPOSE and RESHAPE for.
IMMOVABLE = frozenset(("INT4", "INT48"))


def payload_bytes(dtype: str, elements: int) -> int:
    """The size of a constant in a TOSA file.

    Args:
        dtype: its element type. Two INT4 values share a byte.
        elements: the number of values.

    Returns:
        Bytes.

    Raises:
        SpaceError: constants of this type are not supported.
    """
    bits = _BITS.get(dtype)
    if bits is None:
        raise SpaceError(f"constants of type {dtype} are not supported; velatune handles {', '.join(_BITS)}")
    return (elements * bits + 7) // 8


@cache
def integer_range(dtype: str) -> tuple[int, int]:
    """Smallest and largest value of an integer type, INT4 and INT48 included.

    Raises:
        SpaceError: it is no integer type.
    """
    if not dtype.startswith("INT"):
        raise SpaceError(f"{dtype} is not an integer type")
    bits = int(dtype[3:])
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
