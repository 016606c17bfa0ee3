"""The composition of a chain of TRANSPOSE and RESHAPE, as one value.

A tensor is read in row-major order. RESHAPE does not change that order; TRANSPOSE splits it into atoms (runs of the
index space) and permutes them. So a chain of both is a layout map. It cuts the input's order into atoms, permutes them,
and regroups the result into the output's shape. Two maps are equal if and only if their normal forms are. There, atoms
of size 1 are dropped, and atoms that stay neighbours are merged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod

import numpy as np

from search_space.errors import SpaceError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayoutMap:
    """A permutation of a tensor's elements, with the shapes at both ends; always in normal form.

    Attributes:
        atoms: sizes of the atoms in the input's row-major order, none of size 1.
        order: `order[i]` is the input atom that comes i-th in the output.
        in_shape, out_shape: int tuples with the same product as the atoms.
    """

    in_shape: Shape
    out_shape: Shape
    atoms: Shape
    order: tuple[int, ...]

    @staticmethod
    @lru_cache(maxsize=1 << 14)
    def of(in_shape: Shape, out_shape: Shape, atoms: Shape, order: tuple[int, ...]) -> LayoutMap:
        """Make a map in normal form.

        Args:
            in_shape: shape of the input.
            out_shape: shape of the output.
            atoms: sizes of the atoms, in the input's row-major order.
            order: `order[i]` is the input atom that comes i-th in the output.

        Returns:
            The map.

        Raises:
            SpaceError: the sizes do not agree, or `order` is no permutation.
        """
        if sorted(order) != list(range(len(atoms))):
            raise SpaceError(f"{order} is not a permutation of {len(atoms)} atoms")
        if not prod(in_shape) == prod(out_shape) == prod(atoms):
            raise SpaceError(f"shapes {in_shape} and {out_shape} and atoms {atoms} differ in size")
        if prod(atoms) == 0:
            return LayoutMap(in_shape, out_shape, (), ())
        atoms, order = _normal(atoms, order)
        return LayoutMap(in_shape, out_shape, atoms, order)

    @staticmethod
    def reshape(in_shape: Shape, out_shape: Shape) -> LayoutMap:
        """The map of a RESHAPE.

        Args:
            in_shape: shape of the input.
            out_shape: shape of the output.

        Returns:
            The map.

        Raises:
            SpaceError: the shapes differ in size.
        """
        return LayoutMap.of(in_shape, out_shape, (prod(in_shape),), (0,))

    @staticmethod
    def transpose(in_shape: Shape, perms: tuple[int, ...]) -> LayoutMap:
        """The map of a TOSA TRANSPOSE: output dimension i is input dimension `perms[i]`.

        Args:
            in_shape: shape of the input.
            perms: a permutation of its dimensions.

        Returns:
            The map.

        Raises:
            SpaceError: `perms` does not fit the shape.
        """
        if sorted(perms) != list(range(len(in_shape))):
            raise SpaceError(f"perms {perms} do not fit a tensor of shape {in_shape}")
        return LayoutMap.of(in_shape, tuple(in_shape[p] for p in perms), in_shape, perms)

    @cached_property
    def inverse(self) -> LayoutMap:
        atoms = tuple(self.atoms[a] for a in self.order)
        order = tuple(self.order.index(i) for i in range(len(self.order)))
        return LayoutMap.of(self.out_shape, self.in_shape, atoms, order)

    def then(self, after: LayoutMap) -> LayoutMap | None:
        """Compose this map with a following one.

        Args:
            after: the map that is applied to this one's output.

        Returns:
            The composition. None where the places at which both cut the tensor do not nest (6 = 2*3 here, 3*2 there).
            Then it is no single permutation of atoms.

        Raises:
            SpaceError: `after` does not begin with this map's output shape.
        """
        if self.out_shape != after.in_shape:
            raise SpaceError(f"a map to {self.out_shape} cannot be followed by a map from {after.in_shape}")
        return _joined(self, after)

    @property
    def keeps_order(self) -> bool:
        """Whether the map moves no element: it is at most a reshape."""
        return len(self.order) <= 1

    @property
    def is_identity(self) -> bool:
        return self.keeps_order and self.in_shape == self.out_shape

    @cached_property
    def channels(self) -> tuple[int, ...] | None:
        """For each index of the output's last dimension, the index of the input's last dimension that it takes. It is
        the same wherever it is taken; None if the last dimensions do not hold the same atoms."""
        pieces = self.pieces
        if pieces is None or not self.in_shape or not self.out_shape:
            return None
        before, after = pieces.of_inputs[-1], pieces.of_outputs[-1]
        if sorted(before) != sorted(after):
            return None
        sizes = tuple(pieces.atoms[a] for a in before)
        indices = np.arange(prod(sizes)).reshape(sizes)
        return tuple(indices.transpose([before.index(a) for a in after]).ravel().tolist())

    @cached_property
    def perms(self) -> tuple[int, ...] | None:
        """The TRANSPOSE of `in_shape` that this map is, or None. Dimensions of size 1 go where the shapes ask."""
        if len(self.in_shape) != len(self.out_shape):
            return None
        moved = self._moved_dims
        if moved is None:
            return None
        rest = iter(moved)
        units = iter(d for d, size in enumerate(self.in_shape) if size == 1)
        perms = []
        for size in self.out_shape:
            source = next(units, None) if size == 1 else next(rest, None)
            if source is None or self.in_shape[source] != size:
                return None
            perms.append(source)
        return tuple(perms)

    @property
    def whole_dims(self) -> tuple[int, ...] | None:
        """The TRANSPOSE of `in_shape` after which only a reshape is left.

        None if an atom cuts a dimension. Dimensions of size 1 come first.
        """
        moved = self._moved_dims
        if moved is None:
            return None
        return (*(d for d, size in enumerate(self.in_shape) if size == 1), *moved)

    @cached_property
    def _moved_dims(self) -> tuple[int, ...] | None:
        """The input's dimensions larger than 1 in the order of the output, if every atom is made of whole ones."""
        dims = [d for d, size in enumerate(self.in_shape) if size != 1]
        groups: list[list[int]] = []
        at = 0
        for atom in self.atoms:
            group, size = [], 1
            while size < atom and at < len(dims):
                size *= self.in_shape[dims[at]]
                group.append(dims[at])
                at += 1
            if size != atom:
                return None
            groups.append(group)
        return tuple(d for a in self.order for d in groups[a])

    def resized(self, sizes: Mapping[int, int]) -> Resized | None:
        """The same permutation for a tensor that has other sizes along some whole dimensions.

        Args:
            sizes: dimension of the output -> its size, possibly the present one.

        Returns:
            The map, or None if one of them is no whole dimension of the input. It may be cut by an atom or merged with
            another one. Or it has size 1 where the input has no dimension of size 1 left for it.
        """
        pieces = self.pieces
        if pieces is None:
            return None
        atoms, of_inputs, of_outputs = list(pieces.atoms), list(pieces.of_inputs), list(pieces.of_outputs)
        where: dict[int, int] = {}
        for dim in sorted(sizes):
            if not of_outputs[dim]:
                continue
            if of_outputs[dim] not in of_inputs:
                return None
            where[dim] = of_inputs.index(of_outputs[dim])
        for dim in sorted(sizes.keys() - where.keys()):
            free = [d for d, group in enumerate(of_inputs) if not group and d not in where.values()]
            if not free:
                return None
            where[dim] = min(free, key=lambda d: abs(d - dim))
        in_shape, out_shape = list(self.in_shape), list(self.out_shape)
        for dim, source in where.items():
            of_inputs[source] = of_outputs[dim] = (len(atoms),)
            atoms.append(sizes[dim])
            in_shape[source] = out_shape[dim] = sizes[dim]
        by_input = [a for group in of_inputs for a in group]
        order = tuple(by_input.index(a) for group in of_outputs for a in group)
        same = LayoutMap.of(tuple(in_shape), tuple(out_shape), tuple(atoms[a] for a in by_input), order)
        return Resized(same, where)

    def exposing(self, dims: Collection[int]) -> LayoutMap | None:
        """The same permutation from an input with these dimensions of the output, and what lies between.

        Args:
            dims: dimensions of the output.

        Returns:
            The map, or None if one of them is no run of the input.
        """
        pieces = self.pieces
        if pieces is None:
            return None
        groups = [pieces.of_outputs[d] for d in dims if pieces.of_outputs[d]]
        if any(group != tuple(range(group[0], group[0] + len(group))) for group in groups):
            return None
        starts = {group[0] for group in groups} | {group[-1] + 1 for group in groups} | {0}
        ends = sorted(starts | {len(pieces.atoms)})
        shape = tuple(prod(pieces.atoms[a:b]) for a, b in pairwise(ends))
        return LayoutMap.of(shape, self.out_shape, self.atoms, self.order)

    @cached_property
    def pieces(self) -> Pieces | None:
        """The atoms, cut so that each dimension of both ends consists of whole atoms; None if the cuts do not nest."""
        cut = _refine(self.atoms, _larger_than_one(self.in_shape))
        if cut is None:
            return None
        atoms, order = _split(self.atoms, self.order, cut)
        cut = _refine(tuple(atoms[a] for a in order), _larger_than_one(self.out_shape))
        if cut is None:
            return None
        moved, back = _split(tuple(atoms[a] for a in order), _inverse(order), cut)
        atoms, order = tuple(moved[a] for a in back), _inverse(back)
        of_inputs = _grouped(self.in_shape, atoms, range(len(atoms)))
        return Pieces(atoms, of_inputs, _grouped(self.out_shape, atoms, order))

    def __str__(self) -> str:
        def dims(shape: Shape) -> str:
            return "x".join(map(str, shape)) or "scalar"

        if self.keeps_order:
            return f"{dims(self.in_shape)} -> {dims(self.out_shape)}"
        return f"{dims(self.in_shape)} -> {dims(self.out_shape)} as {dims(self.atoms)} by {self.order}"


@dataclass(frozen=True)
class Resized:
    """A layout map that was carried over to other sizes.

    Attributes:
        layout: a map between tensors of other sizes.
        where: dimension of its output -> the dimension of its input that it is.
    """

    layout: LayoutMap
    where: Mapping[int, int]


@dataclass(frozen=True)
class Pieces:
    """The common atoms of several maps' dimensions.

    Attributes:
        atoms: sizes in the input's order.
        of_inputs, of_outputs: the atoms that each dimension consists of.
    """

    atoms: Shape
    of_inputs: tuple[tuple[int, ...], ...]
    of_outputs: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=1 << 14)
def _joined(one: LayoutMap, after: LayoutMap) -> LayoutMap | None:
    mine = tuple(one.atoms[a] for a in one.order)
    common = _refine(mine, after.atoms)
    if common is None:
        return None
    atoms, middle_of_input = _split(mine, _inverse(one.order), common)
    input_of_middle = _inverse(middle_of_input)
    in_atoms = tuple(atoms[m] for m in middle_of_input)
    _, final_order = _split(after.atoms, after.order, common)
    return LayoutMap.of(one.in_shape, after.out_shape, in_atoms, tuple(input_of_middle[m] for m in final_order))


def _larger_than_one(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(i) for i in range(len(order)))


def _grouped(shape: Shape, atoms: Shape, order: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """Which atoms, taken in this order, make up each dimension."""
    rest = iter(order)
    groups = []
    for size in shape:
        group: list[int] = []
        while prod(atoms[a] for a in group) < size:
            group.append(next(rest))
        groups.append(tuple(group))
    return tuple(groups)


def _normal(atoms: Shape, order: tuple[int, ...]) -> tuple[Shape, tuple[int, ...]]:
    kept = [a for a in order if atoms[a] != 1]
    runs: list[list[int]] = []
    rank = {a: r for r, a in enumerate(sorted(kept))}
    for a in kept:
        if runs and rank[a] == rank[runs[-1][-1]] + 1:
            runs[-1].append(a)
        else:
            runs.append([a])
    by_input = sorted(range(len(runs)), key=lambda r: runs[r][0])
    position = {r: i for i, r in enumerate(by_input)}
    merged = tuple(prod(atoms[a] for a in runs[r]) for r in by_input)
    return merged, tuple(position[r] for r in range(len(runs)))


def _refine(left: Shape, right: Shape) -> Shape | None:
    """The coarsest factors that both row-major factorisations of one size can be built from, or None."""
    result: list[int] = []
    a, b = list(reversed(left)), list(reversed(right))
    while a and b:
        x, y = a.pop(), b.pop()
        if x == y:
            result.append(x)
        elif x % y == 0:
            result.append(y)
            a.append(x // y)
        elif y % x == 0:
            result.append(x)
            b.append(y // x)
        else:
            return None
    return tuple(result)


def _split(atoms: Shape, order: tuple[int, ...], refined: Shape) -> tuple[Shape, tuple[int, ...]]:
    """The same permutation over finer atoms: `refined` are the pieces of `atoms`, in the same row-major order."""
    pieces: list[list[int]] = []
    at = 0
    for atom in atoms:
        group, size = [], 1
        while size < atom:
            size *= refined[at]
            group.append(at)
            at += 1
        pieces.append(group)
    return refined, tuple(p for a in order for p in pieces[a])
