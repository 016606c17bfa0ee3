"""RESCALE by one: it changes the type and the zero point only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search_space.ir.dtypes import NUMPY, payload_bytes
from search_space.ir.editor import Editor
from search_space.ir.graph import CONST, Node, TensorType, constant


def scales_by_one(edit: Editor, node: Node) -> bool:
    """A RESCALE of signed values with multiplier 2^30 and shift 30, which is one. Source: TOSA 1.0, RESCALE."""
    attributes = node.attributes
    if attributes["input_unsigned"] or attributes["output_unsigned"] or not attributes["scale32"]:
        return False
    return [one_value(edit, i) for i in node.inputs[1:3]] == [1 << 30, 30]


def shifted_only(edit: Editor, node: Node) -> bool:
    """A RESCALE to INT32 that gives the difference to the input's zero point."""
    return (
        node.op == "RESCALE"
        and node.type.dtype == "INT32"
        and scales_by_one(edit, node)
        and one_value(edit, node.inputs[4]) == 0
        and edit.is_constant(node.inputs[3])
    )


@dataclass(frozen=True)
class ByOne:
    """A RESCALE that gives the difference to a zero point in another signed type, in which it must fit.

    inputs: ids of its constants. dtype: of its result.
    """

    inputs: tuple[int, ...]
    dtype: str
    scale32: bool

    def of(self, edit: Editor, value: int) -> int:
        """The id of the RESCALE of a value of the type that it is for."""
        attributes = {
            "scale32": self.scale32, "rounding_mode": "SINGLE_ROUND", "per_channel": False, "input_unsigned": False,
            "output_unsigned": False,
        }  # fmt: skip
        tensor = TensorType(edit[value].type.shape, self.dtype)
        return edit.add(Node("RESCALE", (value, *self.inputs), tensor, attributes, name=edit[value].name))


def by_one(edit: Editor, source: str, dtype: str, zero_point: int = 0) -> ByOne:
    """From values of type `source` to `dtype`."""
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
    """The id of a RESCALE of the value that gives the difference to the zero point in another signed type, in which it
    must fit."""
    return by_one(edit, edit[value].type.dtype, dtype, zero_point).of(edit, value)


def one_number(value: int, dtype: str) -> Node:
    """A constant [1] of an integer type, INT48 included."""
    payload = value.to_bytes(payload_bytes(dtype, 1), "little", signed=True)
    return Node(CONST, (), TensorType((1,), dtype), payload=payload)


def one_value(edit: Editor, node_id: int) -> int | None:
    """The one value that a constant consists of, or None."""
    node = edit[node_id]
    if node.op != CONST or node.type.dtype not in NUMPY or not node.type.elements:
        return None
    flat = node.array.ravel()
    return int(flat[0]) if np.issubdtype(flat.dtype, np.integer) and (flat == flat[0]).all() else None
