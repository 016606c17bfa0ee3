"""RESCALE with the factor one, which changes only the element type and the zero point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_space.ir.dtypes import payload_bytes
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, TensorType, constant


@dataclass(frozen=True)
class ByOne:
    """A RESCALE by one to a signed type: input - zero point, which must fit that type.

    Attributes:
        inputs: ids of its constants.
        dtype: of its result.
        scale32: whether its multiplier has 32 bits.
    """

    inputs: tuple[int, ...]
    dtype: str
    scale32: bool

    def of(self, edit: Editor, value: int) -> int:
        """Add the RESCALE of a value.

        Args:
            edit: the graph under change.
            value: id of a value of the input type that this RESCALE was made for.

        Returns:
            The id of the RESCALE.
        """
        attributes = {
            "scale32": self.scale32, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
            "output_unsigned": False,
        }  # fmt: skip
        tensor = TensorType(edit[value].type.shape, self.dtype)
        return edit.add(Node("RESCALE", (value, *self.inputs), tensor, attributes, name=edit[value].name))


def by_one(edit: Editor, source: str, dtype: str, zero_point: int = 0) -> ByOne:
    """Add the constants of a RESCALE by one.

    Args:
        edit: the graph under change.
        source: signed type of the input.
        dtype: signed type of the result.
        zero_point: zero point of the input; that of the result is 0.

    Returns:
        The RESCALE, ready for any value of type `source`.
    """
    # TOSA has no 32-bit multipliers for INT48.
    scale32 = source != "INT48"
    digits = 30 if scale32 else 14
    constants = (
        constant(np.array([1 << digits], np.int32 if scale32 else np.int16)),
        constant(np.array([digits], np.int8)),
        one_number(zero_point, source),
        one_number(0, dtype),
    )
    return ByOne(tuple(map(edit.add, constants)), dtype, scale32)


def rescaled_by_one(edit: Editor, value: int, dtype: str, zero_point: int = 0) -> int:
    """Add a RESCALE by one of a value.

    Args:
        edit: the graph under change.
        value: id of the value, of a signed type.
        dtype: signed type of the result. value - zero point must fit it.
        zero_point: zero point of the value.

    Returns:
        The id of the RESCALE.
    """
    return by_one(edit, edit[value].type.dtype, dtype, zero_point).of(edit, value)


def one_number(value: int, dtype: str) -> Node:
    """A constant [1] of an integer type, INT48 included.

    Args:
        value: the number.
        dtype: its type.

    Returns:
        The CONST node.
    """
    payload = value.to_bytes(payload_bytes(dtype, 1), "little", signed=True)
    return Node(CONST, (), TensorType((1,), dtype), payload=payload)
