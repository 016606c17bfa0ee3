"""PReLU with a slope for each channel, as two to four operations on int8 values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.channel_values import channel_values
from search_space.analysis.constant_evaluation import Values
from search_space.analysis.uniform_constant import uniform_value
from search_space.building.rescale_by_one import rescaled_by_one
from search_space.ir.editor import Editor
from search_space.ir.graph import Node, TensorType, constant
from search_space.passes.base import Pass

_INPUTS = np.arange(-128, 128)[None]


@dataclass(frozen=True)
class _Found:
    """ids.

    Attributes:
        x: int8 value.
        wide: RESCALE of min(x, zero) to INT32.
        product: RESCALE to int8 of that times the slopes.
        zero: zero point of x.
    """

    x: int
    wide: int
    product: int
    zero: int


@dataclass(frozen=True)
class _Form:
    """The result is last[max(first[x], second[product])]; no table is the value itself.

    Attributes:
        limited: the product is of min(x, zero), otherwise of x.
    """

    limited: bool
    second: Values
    first: Values | None = None
    last: Values | None = None


@dataclass(frozen=True)
class PRelu(Pass):
    """Source: evaluation for every channel at all 256 values. ExecuTorch adds up RESCALEs of max(x, 0) and of an int8
    product of min(x, 0) and the slopes. These are two CLAMPs that read the same value, which Vela does by themselves.
    The sum is the slowest operation on two values. One of the two summands is always zero. So the larger of two codes
    identifies the sum, and a TABLE decodes it. The product need not be limited if no slope is negative.
    """

    name: ClassVar[str] = "prelu"
    law: ClassVar[str] = "of x and slope * x a PReLU is the larger one, up to tables of 256 values"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        found = _matched(edit, node_id)
        if found is None:
            return False
        form = _form(edit, node_id, found)
        if form is None:
            return False
        x = edit[found.x].type
        product = found.product if form.limited else _of_x(edit, found)
        operands = (
            found.x if form.first is None else edit.add(_table(edit, found.x, form.first)),
            edit.add(_table(edit, product, form.second)),
        )
        wide = tuple(rescaled_by_one(edit, one, "INT32") for one in operands)
        larger = Node("MAXIMUM", wide, TensorType(x.shape, "INT32"), {"nan_mode": "PROPAGATE"})
        last = rescaled_by_one(edit, edit.add(larger), "INT8")
        if form.last is not None:
            last = edit.add(_table(edit, last, form.last))
        edit.replace_uses(node_id, last)
        return True


def _matched(edit: Editor, node_id: int) -> _Found | None:
    total = _operand(edit, node_id, "RESCALE", "INT8")
    if total is None or edit[total].op != "ADD":
        return None
    summands = [_operand(edit, i, "RESCALE", "INT32") for i in edit[total].inputs]
    for positive, product in (summands, summands[::-1]):
        if positive is None or product is None or edit[positive].op != "CLAMP":
            continue
        times = _operand(edit, product, "RESCALE", "INT8")
        if times is None or edit[times].op != "MUL":
            continue
        x = edit[positive].inputs[0]
        for wide in edit[times].inputs[:2]:
            negative = _operand(edit, wide, "RESCALE", "INT32")
            if negative is None or edit[negative].op != "CLAMP" or edit[negative].inputs[0] != x:
                continue
            zero = uniform_value(edit, edit[wide].inputs[3])
            if zero is not None and edit[x].type == edit[node_id].type:
                return _Found(x, wide, product, zero)
    return None


def _operand(edit: Editor, node_id: int, op: str, dtype: str) -> int | None:
    """The first operand of an operator of this kind with results of this type."""
    node = edit[node_id]
    return node.inputs[0] if node.op == op and node.type.dtype == dtype else None


def _form(edit: Editor, node_id: int, found: _Found) -> _Form | None:
    """The cheapest form that gives the same."""
    wanted = channel_values(edit, node_id, {found.x: _INPUTS})
    if wanted is None:
        return None
    for limited in (False, True):
        product = channel_values(edit, found.product, {found.x: _INPUTS} if limited else {_limit(edit, found): _INPUTS})
        if product is None:
            continue
        wanted, product = np.broadcast_arrays(wanted, product)
        for form in _forms(wanted, product, found.zero, limited):
            if _gives(form, product, wanted):
                return form
    return None


def _limit(edit: Editor, found: _Found) -> int:
    return edit[found.wide].inputs[0]


def _forms(wanted: Values, product: Values, zero: int, limited: bool) -> Iterator[_Form]:
    """Forms that may do, for values per channel and value of x."""
    below = _INPUTS[0] < zero
    meant = np.full(256, -128)
    meant[product[:, below] + 128] = wanted[:, below]
    above = wanted[0]
    # x and a code for each distinct result below zero, from zero downwards.
    codes = np.full(256, -128)
    last = np.where(below, 0, above)
    results = np.unique(wanted[:, below])[::-1]
    places = zero - np.arange(len(results)) - (len(results) > 0 and results[0] != above[zero + 128])
    if places.min(initial=0) >= -128:
        last[places + 128] = results
        used = np.unique(product[:, below])
        codes[used + 128] = places[np.searchsorted(-results, -meant[used + 128])]
        yield _Form(limited, codes, last=last)
    yield _Form(limited, meant, first=np.where(below, -128, above))


def _gives(form: _Form, product: Values, wanted: Values) -> bool:
    first = _INPUTS if form.first is None else form.first[None]
    larger = np.maximum(first, form.second[product + 128])
    return bool(((larger if form.last is None else form.last[larger + 128]) == wanted).all())


def _of_x(edit: Editor, found: _Found) -> int:
    """The product with x in the place of min(x, zero)."""
    product = edit[found.product]
    times = edit[product.inputs[0]]
    wide = edit.add(replace(edit[found.wide], inputs=(found.x, *edit[found.wide].inputs[1:])))
    free = edit.add(replace(times, inputs=tuple(wide if i == found.wide else i for i in times.inputs)))
    return edit.add(replace(product, inputs=(free, *product.inputs[1:])))


def _table(edit: Editor, value: int, values: Values) -> Node:
    table = edit.add(constant(values.astype(np.int8)))
    return Node("TABLE", (value, table), TensorType(edit[value].type.shape, "INT8"))
