"""Operators that treat every element alike, whatever its place: a layout map moves through them freely.

Source: TOSA 1.0 specification, elementwise and activation operators; broadcasting wants operands of equal rank.
"""

from __future__ import annotations

_UNARY = (
    "ABS", "BITWISE_NOT", "CAST", "CEIL", "CLAMP", "CLZ", "COS", "ERF", "EXP", "FLOOR", "IDENTITY", "LOG",
    "LOGICAL_NOT", "NEGATE", "RECIPROCAL", "RSQRT", "SIGMOID", "SIN", "TABLE", "TANH",
)  # fmt: skip
_BINARY = (
    "ADD", "ARITHMETIC_RIGHT_SHIFT", "BITWISE_AND", "BITWISE_OR", "BITWISE_XOR", "EQUAL", "GREATER", "GREATER_EQUAL",
    "INTDIV", "LOGICAL_AND", "LOGICAL_LEFT_SHIFT", "LOGICAL_OR", "LOGICAL_RIGHT_SHIFT", "LOGICAL_XOR", "MAXIMUM",
    "MINIMUM", "MUL", "POW", "SUB",
)  # fmt: skip

#: Operator -> how many of its first operands are data; the rest (zero points, a table, a shift) have no layout.
DATA_OPERANDS = dict.fromkeys(_UNARY, 1) | dict.fromkeys(_BINARY, 2) | {"SELECT": 3}
