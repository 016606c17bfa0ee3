"""Programs as Arm's serialiser writes them."""

from typing import Any

import numpy as np
import tosa_serializer as ts
from tosa.Attribute import Attribute

from search_space.ir import schema

_NAN = ts.NanPropagationMode
_CONV = [[1, 2, 3, 4], [5, 6], [7, 8], True, ts.DType.INT48]
_CONV_READ = {"pad": (1, 2, 3, 4), "stride": (5, 6), "dilation": (7, 8), "local_bound": True, "acc_type": "INT48"}

#: Operator -> (arguments of the serialiser's attribute, what we must read).
ATTRIBUTES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "ARGMAX": ([3, _NAN.IGNORE], {"axis": 3, "nan_mode": "IGNORE"}),
    "AVG_POOL2D": (
        [[2, 3], [4, 5], [6, 7, 8, 9], ts.DType.FP32],
        {"kernel": (2, 3), "stride": (4, 5), "pad": (6, 7, 8, 9), "acc_type": "FP32"},
    ),
    "CONV2D": (_CONV, _CONV_READ),
    "CONV3D": (_CONV, _CONV_READ),
    "DEPTHWISE_CONV2D": (_CONV, _CONV_READ),
    "MAX_POOL2D": (
        [[2, 3], [4, 5], [6, 7, 8, 9], _NAN.PROPAGATE],
        {"kernel": (2, 3), "stride": (4, 5), "pad": (6, 7, 8, 9), "nan_mode": "PROPAGATE"},
    ),
    "TRANSPOSE_CONV2D": (
        [[-1, 2, 3, 4], [5, 6], True, ts.DType.INT32],
        {"out_pad": (-1, 2, 3, 4), "stride": (5, 6), "local_bound": True, "acc_type": "INT32"},
    ),
    "CLAMP": ([[0x80], [0x7F], _NAN.IGNORE], {"min_val": b"\x80", "max_val": b"\x7f", "nan_mode": "IGNORE"}),
    "ARITHMETIC_RIGHT_SHIFT": ([True], {"round": True}),
    "MAXIMUM": ([_NAN.IGNORE], {"nan_mode": "IGNORE"}),
    "MINIMUM": ([_NAN.PROPAGATE], {"nan_mode": "PROPAGATE"}),
    "REDUCE_ALL": ([2], {"axis": 2}),
    "REDUCE_ANY": ([2], {"axis": 2}),
    "REDUCE_MAX": ([2, _NAN.IGNORE], {"axis": 2, "nan_mode": "IGNORE"}),
    "REDUCE_MIN": ([2, _NAN.PROPAGATE], {"axis": 2, "nan_mode": "PROPAGATE"}),
    "REDUCE_PRODUCT": ([2], {"axis": 2}),
    "REDUCE_SUM": ([2], {"axis": 2}),
    "CONCAT": ([1], {"axis": 1}),
    "REVERSE": ([3], {"axis": 3}),
    "RESIZE": (
        [ts.ResizeMode.BILINEAR],
        {"mode": "BILINEAR", "scale": (4, 2, 4, 2), "offset": (-1, 1), "border": (1, 3)},
    ),
    "RESCALE": (
        [True, ts.RoundingMode.DOUBLE_ROUND, False, True, False],
        {
            "scale32": True, "rounding_mode": "DOUBLE_ROUND", "per_channel": False, "input_unsigned": True,
            "output_unsigned": False,
        },
    ),
    "PAD": ([], {"padding": (0, 1, 2, 3)}),
    "SLICE": ([], {"start": (1, 0), "size": (2, 2)}),
    "TILE": ([], {"multiples": (1, 3)}),
}  # fmt: skip


def one_operator(op: str, version: tuple[int, int] = (1, 0), **setup: Any) -> bytes:
    """A program of one operator on tensors x and y, written by Arm's serialiser. setup: arguments, results."""
    serializer = ts.TosaSerializer("", targetMajor=version[0], targetMinor=version[1], targetPatch=0, targetDraft=False)
    block = serializer.currRegion.currBasicBlock
    for name in ("x", "y"):
        serializer.addInputTensor(ts.TosaSerializerTensor(name, [4, 4], ts.DType.INT8))
    operands = ["x", "y"]
    _, expected = ATTRIBUTES.get(op, ([], {}))
    for index, name in sorted(schema.SHAPE_OPERANDS.get(op, {}).items()):
        values = expected[name]
        block.addShape(name, len(values), np.asarray(values, np.int64))
        serializer.currRegion.currBasicBlock.addOperator(
            ts.Op.CONST_SHAPE, [], [name], attribute("ConstShapeAttribute")
        )
        operands.insert(index, name)
    results = setup.get("results", ["out"])
    for name in results:
        block.addTensor(name, [4, 4], ts.DType.INT8)
    block.addOperator(getattr(ts.Op, op), operands, results, attribute(accessor(op), *setup.get("arguments", [])))
    for name in results:
        serializer.addOutputTensor(block.tensors[name])
    return bytes(serializer.serialize())


def attribute(setter: str, *arguments: Any) -> Any:
    """An attribute of Arm's serialiser, such as `attribute("TransposeAttribute", [1, 0])`."""
    made = ts.TosaSerializerAttribute()
    getattr(made, setter)(*arguments)
    return made


def accessor(op: str) -> str:
    """The name of an operator's attribute table in the generated accessors: ARGMAX -> ArgMaxAttribute."""
    wanted = op.replace("_", "").lower() + "attribute"
    (found,) = [name for name in vars(Attribute) if name.lower() == wanted]
    return found
