"""A workaround for Vela: copies of slices that it would read from a wrong place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.building.copy_by_table import copy_by_table
from search_space.building.miscompiled.lost_padding import windows_without_padding
from search_space.building.miscompiled.reduced_slice import lost_slice
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE
from search_space.passes.base import Pass


@dataclass(frozen=True)
class CopySlicedOperand(Pass):
    """Source: for a MATMUL, Vela 5.1.0 and 5.2.0 take the shape of its first operand before a SLICE.

    `InsertMatMulCommand` in ethos_u55_register_cs_generator.cpp does so. On Ethos-U85 that concerns slices of five
    dimensions. A padded window of a slice may also lose its padding
    (`search_space.building.miscompiled.lost_padding`). A reduction may lose the place of the slice
    (`search_space.building.miscompiled.reduced_slice`). An operation between the two gives the operand a tensor of its
    own.
    """

    name: ClassVar[str] = "copy-sliced-operand"
    law: ClassVar[str] = "a TABLE that maps every value to itself changes nothing"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        sliced = lost_slice(edit, node)
        if sliced is not None:
            return _copied(edit, node_id, sliced)
        product = node.op == "MATMUL" and _is_sliced(edit, node.inputs[0])
        if not product and windows_without_padding(edit, [node_id]) != [node_id]:
            return False
        operand = edit[node.inputs[0]]
        if operand.type.dtype != "INT8":
            return False
        copy = edit.add(copy_by_table(edit, node.inputs[0]))
        edit.redefine(node_id, node.reading((copy, *node.inputs[1:])))
        return True


def _copied(edit: Editor, node_id: int, sliced: int) -> bool:
    """Put a copy between a slice and what reads it, which a reduction sees through; whether there can be one."""
    if edit[sliced].type.dtype != "INT8":
        return False
    while edit[node_id].inputs[0] != sliced:
        node_id = edit[node_id].inputs[0]
    reader = edit[node_id]
    edit.redefine(node_id, reader.reading((edit.add(copy_by_table(edit, sliced)), *reader.inputs[1:])))
    return True


def _is_sliced(edit: Editor, value: int) -> bool:
    while edit[value].op == MOVE:
        value = edit[value].inputs[0]
    return edit[value].op == "SLICE"
