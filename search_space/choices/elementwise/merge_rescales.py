"""Consecutive RESCALEs as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.affine import Affine, affine, row_before
from search_space.building.fixed_point import multipliers_and_shifts
from search_space.building.rescale_by_one import one_number
from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import constant
from search_space.passes.base import Pass

#: Of a step of the result, how far its zero point may be from a whole number.
_TOLERANCE = 0.05


@dataclass(frozen=True)
class MergeRescales(Pass):
    """Merges consecutive roundings to int8 into one RESCALE.

    Source: arithmetic, with the factors multiplied in double precision; TOSA 1.0, RESCALE. A sum of a convolution or
    matrix product may be rounded to int8, then multiplied with a constant. Attention scales its scores so. Or they are
    given another zero point. They are then rounded once.
    """

    name: ClassVar[str] = "merge-rescales"
    law: ClassVar[str] = "rescale(a * rescale(sums, m) + b, n) is rescale(sums, m*a*n) with the zero point moved"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or node.type.dtype != "INT8":
            return False
        found = _first_rounding(edit, node_id)
        if found is None:
            return False
        x, of_x = found
        first = edit[x]
        multiplier, shift = (edit[i].array.astype(np.float64) for i in first.inputs[1:3])
        zero = int(edit[first.inputs[4]].array[0])
        own, exact = float(of_x.own[0]), float(of_x.own[0] * zero + of_x.offset[0])
        new_zero = round(exact)
        scales = multipliers_and_shifts(multiplier * 2.0**-shift * own)
        if scales is None or abs(exact - new_zero) > _TOLERANCE or not -128 <= new_zero <= 127:
            return False
        # What saturates at its zero point is an activation; it must go on to saturate there.
        if zero in (-128, 127) and zero != new_zero:
            return False
        new = (*map(constant, scales), one_number(new_zero, "INT8"))
        multipliers, shifts, zeros = map(edit.add, new)
        inputs = (first.inputs[0], multipliers, shifts, first.inputs[3], zeros)
        edit.redefine(node_id, replace(first, inputs=inputs, name=node.name))
        return True


def _first_rounding(edit: Editor, node_id: int) -> tuple[int, Affine] | None:
    """The RESCALE to int8 farthest back that this value follows from alone, by the same factor everywhere; and how."""
    found = None
    before, x = node_id, row_before(edit, node_id)
    while x is not None and _alone(edit, before, x):
        of_x = affine(edit, node_id, x)
        if of_x is None or of_x.total.any() or of_x.own.size > 1 or of_x.offset.size > 1:
            break
        first = edit[x]
        wide = first.op == "RESCALE" and edit[first.inputs[0]].type.dtype == "INT32" and first.attributes["scale32"]
        if wide and all(map(edit.is_constant, first.inputs[1:])) and not first.attributes["input_unsigned"]:
            found = x, of_x
        before, x = x, row_before(edit, x)
    return found


def _alone(edit: Editor, node_id: int, x: int) -> bool:
    """Whether nothing else reads what is computed from x up to a value."""
    open_ = [node_id]
    while open_:
        for i in edit[open_.pop()].inputs:
            if edit.is_constant(i) or (i != x and edit[i].type.shape != edit[x].type.shape):
                continue
            if not edit.used_once(i):
                return False
            if i != x:
                open_.append(i)
    return True
