"""TABLE and CLAMP moved through CONCAT and SLICE."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.constant_evaluation import values_of
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.passes.base import Pass

_UNARY = frozenset(("CLAMP", "TABLE"))


@dataclass(frozen=True)
class UnaryThroughConcatSlice(Pass):
    """Moves a TABLE or CLAMP from before a CONCAT or SLICE to after it, or back.

    Source: TOSA 1.0, elementwise and data layout operators. Vela fuses a TABLE or CLAMP with the convolution before it.
    After a CONCAT or SLICE of its result, it does not.

    Attributes:
        up: move it to the operands of a CONCAT, and to a value. All SLICEs of that value are read through the same
            function. Otherwise it is moved down. This is done where one function gives all operands of a CONCAT, or a
            SLICE cuts its result.
    """

    name: ClassVar[str] = "unary-through-concat-slice"
    law: ClassVar[str] = "f(concat(x, y)) is concat(f(x), f(y)), and f(slice(x)) is slice(f(x))"

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        op = edit[node_id].op
        if self.up:
            return op in _UNARY and (_over_concat(edit, node_id) or _over_slices(edit, node_id))
        return (op == "CONCAT" and _behind_concat(edit, node_id)) or (op == "SLICE" and _behind_slice(edit, node_id))


def _over_concat(edit: Editor, node_id: int) -> bool:
    node = edit[node_id]
    joined = edit[node.inputs[0]]
    if joined.op != "CONCAT" or not edit.used_once(node.inputs[0]):
        return False
    parts = [_applied(edit, node, part) for part in joined.inputs]
    if any(part is None for part in parts):
        return False
    inputs = tuple(edit.add(part) for part in parts if part is not None)
    edit.redefine(node_id, replace(joined, inputs=inputs, type=node.type, name=node.name))
    return True


def _over_slices(edit: Editor, node_id: int) -> bool:
    node = edit[node_id]
    if edit[node.inputs[0]].op != "SLICE":
        return False
    source = edit[node.inputs[0]].inputs[0]
    readers = []
    for part in edit.users(source):
        if edit[part].op != "SLICE" or not edit.used_once(part):
            return False
        readers.append(edit.users(part)[0])
    if edit.is_output(source) or not all(_same_function(edit, node_id, reader) for reader in readers):
        return False
    whole = _applied(edit, node, source)
    if whole is None:
        return False
    value = edit.add(whole)
    for reader in readers:
        part_node = edit[edit[reader].inputs[0]]
        result = replace(part_node, inputs=(value,), type=edit[reader].type, name=edit[reader].name)
        edit.redefine(reader, result)
    return True


def _behind_concat(edit: Editor, node_id: int) -> bool:
    node = edit[node_id]
    first = node.inputs[0]
    if edit[first].op not in _UNARY or len(node.inputs) < 2:
        return False
    if not all(edit.used_once(i) and _same_function(edit, first, i) for i in node.inputs):
        return False
    inputs = tuple(edit[i].inputs[0] for i in node.inputs)
    function = edit[first]
    joined = edit.add(replace(node, inputs=inputs, type=TensorType(node.type.shape, edit[inputs[0]].type.dtype)))
    edit.redefine(node_id, replace(function, inputs=(joined, *function.inputs[1:]), type=node.type, name=node.name))
    return True


def _behind_slice(edit: Editor, node_id: int) -> bool:
    node = edit[node_id]
    function = edit[node.inputs[0]]
    if function.op not in _UNARY or not edit.used_once(node.inputs[0]):
        return False
    source = edit[function.inputs[0]].type
    part = edit.add(replace(node, inputs=function.inputs[:1], type=TensorType(node.type.shape, source.dtype)))
    edit.redefine(node_id, replace(function, inputs=(part, *function.inputs[1:]), type=node.type, name=node.name))
    return True


def _applied(edit: Editor, function: Node, value: int) -> Node | None:
    """The function of another value; of a constant, a constant."""
    source = edit[value]
    result = TensorType(source.type.shape, function.type.dtype)
    if not edit.is_constant(value):
        return replace(function, inputs=(value, *function.inputs[1:]), type=result)
    values = values_of(function, [source.array.astype(np.int64)], [edit[i] for i in function.inputs[1:]])
    return None if values is None else constant(values, result.dtype)


def _same_function(edit: Editor, one: int, other: int) -> bool:
    first, second = edit[one], edit[other]
    return (
        first.op == second.op
        and first.attributes == second.attributes
        and first.type.dtype == second.type.dtype
        and all(
            a == b or (edit.is_constant(a) and edit.is_constant(b) and edit[a].digest == edit[b].digest)
            for a, b in zip(first.inputs[1:], second.inputs[1:], strict=True)
        )
    )
