"""Element types of results, and shapes and types of the operands that are parameters: zero points, biases, tables.

Source: TOSA 1.0 specification, the argument and supported-type tables of each operator. Types that those tables do not
mention (extensions) are not judged. The reference model ends the process on some of what is refused here.
"""

from __future__ import annotations

from math import prod

from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import Node, TensorType

Types = list[TensorType]

_ACCUMULATED = {"INT8": "INT32", "INT16": "INT48"}
_BOOL = dict.fromkeys(("INT32", "FP32", "FP16", "BF16"), "BOOL")

#: Operator -> type of the first operand -> type of the result, where it is another one or only some are allowed.
_RESULTS: dict[str, dict[str, str]] = {
    "ARGMAX": {"INT8": "INT32", "INT16": "INT32", "FP32": "INT32", "FP16": "INT32", "BF16": "INT32"},
    "CONV2D": _ACCUMULATED,
    "CONV3D": _ACCUMULATED,
    "DEPTHWISE_CONV2D": _ACCUMULATED,
    "EQUAL": _BOOL,
    "GREATER": _BOOL,
    "GREATER_EQUAL": _BOOL,
    "MATMUL": _ACCUMULATED,
    "MUL": dict.fromkeys(("INT8", "INT16", "INT32"), "INT32"),
    "TABLE": {"INT8": "INT8", "INT16": "INT32"},
    "TRANSPOSE_CONV2D": _ACCUMULATED,
}
#: Operators whose result may have any type, whatever the operands have.
_ANY_RESULT = frozenset(("CAST", "RESCALE"))

_DATA, _WEIGHTS, _RESULT = 0, 1, -1
_CONV = {3: _DATA, 4: _WEIGHTS}

#: Operator -> operand that is one value in a [1] tensor -> whose type it has: operand 0, operand 1 or the result.
_SINGLE_VALUES: dict[str, dict[int, int]] = {
    "AVG_POOL2D": {1: _DATA, 2: _RESULT},
    "CONV2D": _CONV,
    "CONV3D": _CONV,
    "DEPTHWISE_CONV2D": _CONV,
    "MATMUL": {2: _DATA, 3: _WEIGHTS},
    "NEGATE": {1: _DATA, 2: _RESULT},
    "PAD": {1: _DATA},
    "RESCALE": {3: _DATA, 4: _RESULT},
    "TRANSPOSE_CONV2D": _CONV,
}
_TABLES = {"INT8": TensorType((256,), "INT8"), "INT16": TensorType((513,), "INT16")}
_SHIFT = TensorType((1,), "INT8")


def operand_count(op: str) -> int | None:
    """Number of operands of an elementwise operator, parameters included; None for other operators."""
    more = {"MUL": 1, "NEGATE": 2, "TABLE": 1}
    return DATA_OPERANDS[op] + more.get(op, 0) if op in DATA_OPERANDS else None


def type_problems(node: Node, operands: Types) -> list[str]:
    """Check the types of an operator's operands and result.

    Args:
        node: the operator.
        operands: types of its operands; their number must be right.

    Returns:
        One message for each problem.
    """
    found = []
    for index, whose in _SINGLE_VALUES.get(node.op, {}).items():
        dtype = (node.type if whose == _RESULT else operands[whose]).dtype
        if operands[index] != TensorType((1,), dtype):
            found.append(f"operand {index} is {operands[index]}, needs {TensorType((1,), dtype)}")
    found += _parameters(node, operands)
    if node.op in _ANY_RESULT or not operands:
        return found
    data = operands[1 if node.op == "SELECT" else 0].dtype
    if node.op == "SELECT" and operands[0].dtype != "BOOL":
        found.append(f"its condition is {operands[0]}, needs BOOL")
    interpolates = node.op == "RESIZE" and node.attributes["mode"] == "BILINEAR"
    results = _ACCUMULATED if interpolates else _RESULTS.get(node.op)
    wanted = data if results is None else results.get(data)
    if wanted is not None and node.type.dtype != wanted:
        found.append(f"gives {wanted} of {data}, says {node.type.dtype}")
    return found


def _parameters(node: Node, operands: Types) -> list[str]:
    if node.op == "MUL" and operands[2] != _SHIFT:
        return [f"its shift is {operands[2]}, needs {_SHIFT}"]
    if node.op == "TABLE" and operands[1] != _TABLES.get(operands[0].dtype):
        return [f"its table is {operands[1]} for {operands[0].dtype} data"]
    if node.op == "RESCALE":
        multiplier = "INT32" if node.attributes["scale32"] else "INT16"
        if operands[1].dtype != multiplier or operands[2].dtype != "INT8":
            return [f"has {operands[1]} multipliers and {operands[2]} shifts, needs {multiplier} and INT8"]
    if node.op in _SINGLE_VALUES and _SINGLE_VALUES[node.op] is _CONV:
        bias, channels = operands[2], node.type.shape[-1]
        if bias.dtype != node.type.dtype or len(bias.shape) != 1 or prod(bias.shape) not in (1, channels):
            return [f"its bias is {bias} for {node.type.dtype} results of {channels} channels"]
    return []
