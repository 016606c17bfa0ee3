"""Transposes as convolutions with permutation matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import prod
from typing import ClassVar

import numpy as np

from search_space.building.convolution import MOST_ROWS
from search_space.building.new_convolution import convolved
from search_space.building.rescale_by_one import rescaled_by_one
from search_space.building.rounding import round_up
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, Step, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.passes.base import Pass

#: Elements that a convolution permutes at a time: each of them takes as many multiplications.
_MOST_PERMUTED = 256

#: Operations that one transpose may become: for the parts of a CONCAT, and Vela 5.1 makes one for each batch.
_MOST_PARTS = 16

#: Atoms up to which a map is also tried as two consecutive ones, and up to which an atom is cut in two for that.
_MOST_ATOMS, _MOST_ATOMS_TO_CUT = 5, 3

#: Sizes of one of the two pieces of an atom.
_CUTS = range(4, 17)

#: The NPU computes results by 16 channels from data by 8, and writes a result in the time of 64 multiplications
#: (Ethos-U55-128 and U85-256 by Vela's cost models).
_OUT_BRICK, _IN_BRICK, _OUTPUT = 16, 8, 64

#: Multiplications in about the time in which an operation starts, and in which a weight is read: most are 0,
#: and small in the compressed stream.
_START, _READ = 1 << 15, 8


@dataclass(frozen=True)
class _Permutation:
    """Of blocks of the data: convolutions of [batch, rows, positions, run] over all rows and one position. There is one
    for each of `count` parts of the result.

    Attributes:
        pieces, order: a block's elements [rows, run] in its atoms, and how the atoms follow each other in the result.
    """

    batch: int
    rows: int
    positions: int
    run: int
    count: int
    pieces: Shape
    order: tuple[int, ...]

    @property
    def parts(self) -> np.ndarray:
        """For each part the elements of a block that it consists of."""
        elements = np.arange(prod(self.pieces)).reshape(self.pieces)
        return elements.transpose(self.order).reshape(self.count, -1)

    @property
    def work(self) -> int:
        """In multiplications, with what could be multiplied while results are put out, operations start and weights
        are read."""
        block = self.rows * self.run
        results = block // self.count
        each = round_up(results, _OUT_BRICK) * max(self.rows * round_up(self.run, _IN_BRICK), _OUTPUT)
        return self.batch * self.count * (self.positions * each + _START + _READ * block * results)


@dataclass(frozen=True)
class TransposeAsConv(Pass):
    """Source: a permutation of few elements is a matrix of zeros and ones. RESCALE gives acc + 0 times one. The
    elements that a block of the result consists of may be a column of the data's blocks. Then that is one convolution.
    Where the result's first dimension is small, it is one for each part of a CONCAT. Two such permutations may take
    less than the one that they compose to. For each element a convolution multiplies a whole block. The transpose of C
    x T has blocks of C rows. With C = a x b it is one of blocks of a rows, and one of b.

    Ethos-U55 has no transpose. It moves an element in 4 to 8 cycles. A few dozen products with zeros take a fraction of
    one. On Ethos-U85 it is the NCHW input of few channels that gains.
    """

    name: ClassVar[str] = "transpose-as-conv"
    law: ClassVar[str] = "a permutation of blocks of int8 values is a convolution with weights of zeros and ones"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != MOVE or node.type.dtype != "INT8" or edit.is_constant(node.inputs[0]):
            return False
        found = _permutations(node.layout_map)
        if not found:
            return False
        last = node.inputs[0]
        for one in found:
            last = self._permuted(edit, last, one, node.name)
        edit.redefine(node_id, move(last, edit[last].type, (Step("reshape", node.type.shape),), node.name))
        return True

    def _permuted(self, edit: Editor, source: int, one: _Permutation, name: str) -> int:
        """The id of the result, in some shape."""
        blocks = TensorType((one.batch, one.rows, one.positions, one.run), "INT8")
        if edit[source].type != blocks:
            source = edit.add(move(source, edit[source].type, (Step("reshape", blocks.shape),), name))
        parts = [self._part(edit, source, part, name) for part in one.parts]
        if len(parts) == 1:
            return parts[0]
        batch, rows, positions, run = edit[parts[0]].type.shape
        # In a row where that is the same order: it can then be joined further, in place.
        axis, shape = (
            (2, (1, rows, len(parts) * positions, run)) if batch == 1 else (1, (batch, len(parts), positions, run))
        )
        return edit.add(Node("CONCAT", tuple(parts), TensorType(shape, "INT8"), {"axis": axis}, name=name))

    def _part(self, edit: Editor, source: int, permuted: np.ndarray, name: str) -> int:
        """The id of the elements of every block that are asked for, one block after the other."""
        _, rows, _, run = edit[source].type.shape
        weights = np.eye(rows * run, dtype=np.int8)[permuted].reshape(-1, rows, 1, run)
        sums = convolved(edit, source, weights, np.zeros(len(permuted), np.int32), name=name)
        return rescaled_by_one(edit, sums, "INT8")


@lru_cache(maxsize=512)
def _permutations(layout: LayoutMap) -> tuple[_Permutation, ...]:
    """One after the other they do what the map does, with the least work. None if the map is not of blocks that are
    small enough."""
    if layout.keeps_order:
        return ()
    whole = _permutation(layout.atoms, layout.order)
    ways: list[tuple[_Permutation, ...]] = [] if whole is None else [(whole,)]
    for atoms, order in _cuts(layout.atoms, layout.order):
        ways += _in_two(atoms, order)
    return min(ways, key=lambda way: sum(one.work for one in way), default=())


def _cuts(atoms: Shape, order: tuple[int, ...]) -> Iterator[tuple[Shape, tuple[int, ...]]]:
    """The atoms as they are, and with one of them cut in two: 64 x 256 is moved by 64 rows at a time, 8 x 8 x 256 by 8
    rows twice."""
    if len(atoms) <= _MOST_ATOMS:
        yield atoms, order
    for at, atom in enumerate(atoms if len(atoms) <= _MOST_ATOMS_TO_CUT else ()):
        for pair in _pairs(atom):
            pieces = tuple(piece for a in order for piece in ((at, at + 1) if a == at else (a + (a > at),)))
            yield (*atoms[:at], *pair, *atoms[at + 1 :]), pieces


def _pairs(atom: int) -> Iterator[Shape]:
    """The sizes of the pieces of an atom."""
    for size in _CUTS:
        if atom % size == 0 and atom > size:
            yield from dict.fromkeys(((atom // size, size), (size, atom // size)))


def _in_two(atoms: Shape, order: tuple[int, ...]) -> Iterator[tuple[_Permutation, _Permutation]]:
    """Two consecutive permutations, by each order that the atoms may have between them."""
    for middle in permutations(range(len(atoms))):
        between = tuple(atoms[a] for a in middle)
        first = LayoutMap.of(atoms, between, atoms, middle)
        then = LayoutMap.of(between, between, between, tuple(middle.index(a) for a in order))
        if first.keeps_order or then.keeps_order:
            continue
        one = _permutation(first.atoms, first.order)
        other = None if one is None else _permutation(then.atoms, then.order)
        if one is not None and other is not None:
            yield one, other


def _permutation(atoms: Shape, order: tuple[int, ...]) -> _Permutation | None:
    """The one with the least work; None if it is not one of blocks that are small enough."""
    found = [*_gathered(1, atoms, order), *_scattered(1, atoms, order)]
    if order[0] == 0 and atoms[0] <= _MOST_PARTS:  # alike in each of a few batches
        rest = tuple(a - 1 for a in order[1:])
        found += [*_gathered(atoms[0], atoms[1:], rest), *_scattered(atoms[0], atoms[1:], rest)]
    return min(found, key=lambda one: one.work, default=None)


def _gathered(batch: int, atoms: Shape, order: tuple[int, ...]) -> Iterator[_Permutation]:
    """Atom order[0] leads the result: its positions, each with all that is before and after the atom in the data."""
    first = order[0]
    before, after = prod(atoms[:first]), prod(atoms[first + 1 :])
    if before > MOST_ROWS:
        return
    for together in _together(atoms[first] if first else 1, before * after):
        pieces = (*atoms[:first], together, *atoms[first + 1 :])
        yield _Permutation(batch, before, atoms[first] // together, together * after, 1, pieces, order)


def _scattered(batch: int, atoms: Shape, order: tuple[int, ...]) -> Iterator[_Permutation]:
    """Atom order[0] leads the result and the data's first one comes next: a part for each value of the one."""
    parts = atoms[order[0]]
    if order[1] != 0 or batch * parts > _MOST_PARTS:
        return
    after = prod(atoms[1:])
    for together in _together(atoms[0], after):
        pieces = (together, *atoms[1:])
        yield _Permutation(batch, 1, atoms[0] // together, together * after, parts, pieces, order)


def _together(positions: int, block: int) -> list[int]:
    """The numbers of positions that may form a run, where each position has a block of elements."""
    return [n for n in range(1, _MOST_PERMUTED // block + 1) if positions % n == 0]
