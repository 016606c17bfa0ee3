"""What is transposed few elements at a time is picked by a convolution instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from search_space.editor import Editor
from search_space.graph import MOVE, Node, Step, TensorType, move
from search_space.layout_map import LayoutMap, Shape
from search_space.new_convolution import convolved
from search_space.passes.base import Pass
from search_space.rescale_by_one import rescaled_by_one

#: What Vela 5.1 takes as one operation (its supported operators for Ethos-U), and how large weights may become.
_MOST_ROWS, _MOST_STRIDE, _MOST_WEIGHTS = 64, 3, 1 << 16
_MOST_PARTS = 16

#: The NPU computes results by 16 channels from data by 8 (bricks), and puts out a result in the time of 64 products
#: (Ethos-U55-128 and U85-256 by Vela's cost models).
_OUT_BRICK, _IN_BRICK, _PRODUCTS_PER_RESULT = 16, 8, 64


@dataclass(frozen=True)
class MoveByConv(Pass):
    """[P,A,B,D] -> [P,B,A,D] of int8 data, where A or B is small: the planes of an image become its channels, or the
    other way round. The NPU transposes a byte at a time where few channels are innermost; a convolution sees runs of
    elements as channels, and its weights, one 1 in each filter, say which of them goes where.

    Source: TOSA 1.0, CONV2D with zero points 0, and RESCALE by one, which gives back what fits into int8.
    """

    name: ClassVar[str] = "move-by-conv"
    law: ClassVar[str] = "a convolution that picks one element for each result, rescaled by one, is a layout map"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.type.dtype != "INT8" or edit.is_constant(node.inputs[0]):
            return False
        ways = _ways(node.layout_map)
        if not ways:
            return False
        way = min(ways, key=lambda one: (one.cost, -one.run))
        result = _interleaved(edit, node, way) if way.interleaves else _parted(edit, node, way)
        tensor = edit[result].type
        edit.redefine(node_id, move(result, tensor, (Step("reshape", node.type.shape),), node.name))
        return True


@dataclass(frozen=True)
class _Way:
    """How a convolution moves [outer, few, many, inner] to [outer, many, few, inner] (`interleaves`), or back. It sees
    `run` of the many as one pixel."""

    interleaves: bool
    outer: int
    few: int
    many: int
    inner: int
    run: int

    @property
    def pixels(self) -> int:
        """Along the width of what is computed."""
        return self.many // self.run

    @property
    def narrow(self) -> int:
        """Channels of a run of one of the few."""
        return self.run * self.inner

    @property
    def cost(self) -> int:
        wide = self.few * self.narrow
        if self.interleaves:
            each = _up(wide, _OUT_BRICK) * max(self.few * _up(self.narrow, _IN_BRICK), _PRODUCTS_PER_RESULT)
        else:
            each = self.few * _up(self.narrow, _OUT_BRICK) * max(_up(wide, _IN_BRICK), _PRODUCTS_PER_RESULT)
        return self.outer * self.pixels * each

    @property
    def allowed(self) -> bool:
        if self.few * self.narrow * self.few * self.narrow > _MOST_WEIGHTS:
            return False
        if self.interleaves:
            return self.few <= (_MOST_ROWS if self.outer == 1 else _MOST_STRIDE)
        return self.few <= _MOST_PARTS


def _ways(layout: LayoutMap) -> list[_Way]:
    swapped = _swapped(layout)
    if swapped is None:
        return []
    outer, first, second, inner = swapped
    ways = [_Way(True, outer, first, second, inner, run) for run in _divisors(second)]
    ways += [_Way(False, outer, second, first, inner, run) for run in _divisors(first)]
    return [one for one in ways if one.allowed]


def _swapped(layout: LayoutMap) -> tuple[int, int, int, int] | None:
    """(P, A, B, D) if the map is [P,A,B,D] -> [P,B,A,D]."""
    atoms, order = layout.atoms, layout.order
    at = next((i for i, atom in enumerate(order) if i != atom), None)
    if at is None or order[at : at + 2] != (at + 1, at) or order[at + 2 :] != tuple(range(at + 2, len(order))):
        return None
    # In normal form there is at most one atom before and one behind.
    outer = atoms[0] if at else 1
    inner = atoms[at + 2] if at + 2 < len(atoms) else 1
    return outer, atoms[at], atoms[at + 1], inner


def _divisors(size: int) -> Iterator[int]:
    return (run for run in range(1, min(size, 1 << 8) + 1) if size % run == 0)


def _interleaved(edit: Editor, node: Node, way: _Way) -> int:
    """The rows of a kernel are the planes; each result is one element of one of them."""
    weights = np.zeros((way.few * way.narrow, way.few, 1, way.narrow), np.int8)
    results = weights.reshape(way.run, way.few, way.inner, way.few, way.run, way.inner)
    for at in np.ndindex(way.run, way.few, way.inner):
        run, plane, inner = at
        results[(*at, plane, run, inner)] = 1
    data = _seen_as(edit, node, (1, way.outer * way.few, way.pixels, way.narrow))
    stride = (way.few, 1) if way.outer > 1 else (1, 1)
    return rescaled_by_one(
        edit, convolved(edit, data, weights, _no_bias(weights), stride=stride, name=node.name), "INT8"
    )


def _parted(edit: Editor, node: Node, way: _Way) -> int:
    """A convolution for each plane picks what is in it; they are written behind each other."""
    data = _seen_as(edit, node, (1, way.outer, way.pixels, way.few * way.narrow))
    parts = []
    for plane in range(way.few):
        weights = np.zeros((way.narrow, 1, 1, way.few * way.narrow), np.int8)
        results = weights.reshape(way.run, way.inner, way.run, way.few, way.inner)
        for at in np.ndindex(way.run, way.inner):
            run, inner = at
            results[(*at, run, plane, inner)] = 1
        sums = convolved(edit, data, weights, _no_bias(weights), name=node.name)
        parts.append(rescaled_by_one(edit, sums, "INT8"))
    joined = TensorType((1, way.outer, way.few * way.pixels, way.narrow), "INT8")
    return edit.add(Node("CONCAT", tuple(parts), joined, {"axis": 2}, name=node.name))


def _seen_as(edit: Editor, node: Node, shape: Shape) -> int:
    source = node.inputs[0]
    tensor = edit[source].type
    return source if tensor.shape == shape else edit.add(move(source, tensor, (Step("reshape", shape),), node.name))


def _no_bias(weights: np.ndarray) -> np.ndarray:
    return np.zeros(len(weights), np.int32)


def _up(size: int, brick: int) -> int:
    return -(-size // brick) * brick
