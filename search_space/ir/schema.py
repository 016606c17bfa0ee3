"""The TOSA 1.0 operators as this project sees them: attributes, in file order, and operands that are shapes.

One table drives the reader, the writer, the text form and the verifier. Source: tosa.fbs of the TOSA serialisation
library (1.0 line). The order of `OPERATORS`, of `ATTRIBUTE_TABLES` and of each operator's attributes is the schema's
and must not change.
"""

from __future__ import annotations

from dataclasses import dataclass

#: `enum Op`: the position is the number in the file.
OPERATORS = (
    "UNKNOWN", "ARGMAX", "AVG_POOL2D", "CONV2D", "CONV3D", "DEPTHWISE_CONV2D", "FFT2D", "MATMUL", "MAX_POOL2D",
    "RFFT2D", "TRANSPOSE_CONV2D", "CLAMP", "ERF", "SIGMOID", "TANH", "ADD", "ARITHMETIC_RIGHT_SHIFT", "BITWISE_AND",
    "BITWISE_OR", "BITWISE_XOR", "INTDIV", "LOGICAL_AND", "LOGICAL_LEFT_SHIFT", "LOGICAL_RIGHT_SHIFT", "LOGICAL_OR",
    "LOGICAL_XOR", "MAXIMUM", "MINIMUM", "MUL", "POW", "SUB", "TABLE", "ABS", "BITWISE_NOT", "CEIL", "CLZ", "COS",
    "EXP", "FLOOR", "LOG", "LOGICAL_NOT", "NEGATE", "RECIPROCAL", "RSQRT", "SIN", "SELECT", "EQUAL", "GREATER",
    "GREATER_EQUAL", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PRODUCT", "REDUCE_SUM", "CONCAT",
    "PAD", "RESHAPE", "REVERSE", "SLICE", "TILE", "TRANSPOSE", "GATHER", "SCATTER", "RESIZE", "CAST", "RESCALE",
    "CONST", "IDENTITY", "CUSTOM", "COND_IF", "WHILE_LOOP", "VARIABLE", "VARIABLE_WRITE", "VARIABLE_READ",
    "CONST_SHAPE",
)  # fmt: skip
OPERATOR_NUMBER = {name: number for number, name in enumerate(OPERATORS)}

#: `union Attribute`: the operator whose table stands at each position, which are all in the order of `enum Op`; the
#: union's number is the position plus one.
ATTRIBUTE_TABLES = OPERATORS[1:]
ATTRIBUTE_NUMBER = {name: number for number, name in enumerate(ATTRIBUTE_TABLES, start=1)}


@dataclass(frozen=True)
class Field:
    """One attribute.

    Attributes:
        kind: `int`, `bool`, `ints`, `bytes`, or one of the enumerations in `ENUMS`.
    """

    name: str
    kind: str


ENUMS = {
    "dtype": None,  # see search_space.ir.dtypes
    "nan_mode": ("UNKNOWN", "PROPAGATE", "IGNORE"),
    "rounding": ("UNKNOWN", "SINGLE_ROUND", "INEXACT_ROUND", "DOUBLE_ROUND"),
    "resize_mode": ("UNKNOWN", "NEAREST", "BILINEAR"),
}

_NAN = Field("nan_mode", "nan_mode")
_AXIS = Field("axis", "int")
_CONV = (
    Field("pad", "ints"), Field("stride", "ints"), Field("dilation", "ints"), Field("local_bound", "bool"),
    Field("acc_type", "dtype"),
)  # fmt: skip

ATTRIBUTES: dict[str, tuple[Field, ...]] = {
    "ARGMAX": (_AXIS, _NAN),
    "AVG_POOL2D": (Field("kernel", "ints"), Field("stride", "ints"), Field("pad", "ints"), Field("acc_type", "dtype")),
    "CONV2D": _CONV,
    "CONV3D": _CONV,
    "DEPTHWISE_CONV2D": _CONV,
    "FFT2D": (Field("inverse", "bool"), Field("local_bound", "bool")),
    "MAX_POOL2D": (Field("kernel", "ints"), Field("stride", "ints"), Field("pad", "ints"), _NAN),
    "RFFT2D": (Field("local_bound", "bool"),),
    "TRANSPOSE_CONV2D": (
        Field("out_pad", "ints"), Field("stride", "ints"), Field("local_bound", "bool"), Field("acc_type", "dtype"),
    ),
    "CLAMP": (Field("min_val", "bytes"), Field("max_val", "bytes"), _NAN),
    "ARITHMETIC_RIGHT_SHIFT": (Field("round", "bool"),),
    "MAXIMUM": (_NAN,),
    "MINIMUM": (_NAN,),
    "REDUCE_ALL": (_AXIS,),
    "REDUCE_ANY": (_AXIS,),
    "REDUCE_MAX": (_AXIS, _NAN),
    "REDUCE_MIN": (_AXIS, _NAN),
    "REDUCE_PRODUCT": (_AXIS,),
    "REDUCE_SUM": (_AXIS,),
    "CONCAT": (_AXIS,),
    "REVERSE": (_AXIS,),
    "TRANSPOSE": (Field("perms", "ints"),),
    "RESIZE": (Field("mode", "resize_mode"),),
    "RESCALE": (
        Field("scale32", "bool"), Field("rounding_mode", "rounding"), Field("per_channel", "bool"),
        Field("input_unsigned", "bool"), Field("output_unsigned", "bool"),
    ),
}  # fmt: skip

#: Operands that are shapes (CONST_SHAPE in the file) become attributes of the node: operator -> {operand index: name}.
SHAPE_OPERANDS: dict[str, dict[int, str]] = {
    "PAD": {1: "padding"},
    "RESHAPE": {1: "shape"},
    "SLICE": {1: "start", 2: "size"},
    "TILE": {1: "multiples"},
    "RESIZE": {1: "scale", 2: "offset", 3: "border"},
}

#: Operators that velatune does not handle, with the reason for the message.
REFUSED = {
    "COND_IF": "control flow has several regions",
    "WHILE_LOOP": "control flow has several regions",
    "VARIABLE": "stateful variables are not values",
    "VARIABLE_WRITE": "stateful variables are not values",
    "VARIABLE_READ": "stateful variables are not values",
    "CUSTOM": "custom operators have no known meaning",
    "FFT2D": "it has two outputs",
    "RFFT2D": "it has two outputs",
}
