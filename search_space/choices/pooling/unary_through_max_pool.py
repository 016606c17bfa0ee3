"""Monotone functions after MAX_POOL2D instead of before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from search_space.analysis.unary_region import Region, regions
from search_space.ir.editor import Editor
from search_space.ir.graph import TensorType
from search_space.passes.base import Pass

_INPUTS = np.arange(-128, 128)


@dataclass(frozen=True)
class UnaryThroughMaxPool(Pass):
    """Moves a monotone function of one value from before a MAX_POOL2D to after it.

    Source: monotony, tested for every channel at all 256 values; TOSA 1.0, MAX_POOL2D, whose padding is never the
    maximum. A TABLE or PReLU after a pool of 2x2 has a quarter of the values to compute. A CLAMP is free with the
    operator before it, and stays there.
    """

    name: ClassVar[str] = "unary-through-max-pool"
    law: ClassVar[str] = "max(f(x), f(y)) is f(max(x, y)) for every f that never falls"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "MAX_POOL2D" or node.type.dtype != "INT8" or not edit.used_once(node.inputs[0]):
            return False
        region = _largest(edit, node_id)
        if region is None:
            return False
        pooled = {region.source: edit.add(replace(node, inputs=(region.source, *node.inputs[1:])))}
        for inner in region.inner:
            old = edit[inner]
            inputs = tuple(pooled.get(i, i) for i in old.inputs)
            new = replace(old, inputs=inputs, type=TensorType(node.type.shape, old.type.dtype))
            if inner == region.inner[-1]:
                edit.redefine(node_id, replace(new, name=node.name))
            else:
                pooled[inner] = edit.add(new)
        return True


def _largest(edit: Editor, node_id: int) -> Region | None:
    """The function before the pooling, from as far as it never falls and nobody else reads what is inside."""
    found = None
    for region in regions(edit, edit[node_id].inputs[0], "INT8", per_channel=True):
        readers = {node_id, *region.inner}
        if any(edit.is_output(i) or not readers.issuperset(edit.users(i)) for i in region.inner):
            break
        if not all(set(edit[i].type.shape[:-1]) <= {1} for i in region.constants):
            break
        values = region.values(edit, _INPUTS)
        only_limits = {edit[i].op for i in region.inner} == {"CLAMP"}
        if values is not None and not only_limits and (np.diff(values, axis=1) >= 0).all():
            found = region
    return found
