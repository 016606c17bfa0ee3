"""Regions of operators that together are an elementwise function of one value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from search_space.analysis.channel_values import channel_values
from search_space.analysis.constant_evaluation import KNOWN, Values, values_of
from search_space.analysis.uniform_constant import uniform_value
from search_space.ir.editor import Editor
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, MOVE, Node
from search_space.ir.layout_map import LayoutMap

#: Operators that are examined for one result.
_MOST_OPERATORS = 64


@dataclass(frozen=True)
class Region:
    """A region of operators that computes one value from one source.

    Attributes:
        source: id of the value that all of it is computed from.
        layout: the map from the source to the result.
        inner: ids of the values in between, each after its operands; the result is the last one.
        constants: id -> [1, 1] or [channels, 1], the values of constant operands.
    """

    source: int
    layout: LayoutMap
    inner: tuple[int, ...]
    constants: Mapping[int, Values]

    def values(self, edit: Editor, of_source: Values) -> Values | None:
        """Evaluate the region.

        Args:
            edit: the graph under change.
            of_source: values of the source, int64, one dimension.

        Returns:
            The result's values, int64 [1, values] or [channels, values], or None where TOSA does not define them.
        """
        known: dict[int, Values] = {self.source: of_source[None], **self.constants}
        for node_id in self.inner:
            node = edit[node_id]
            data, parameters = _operands(node)
            if node.op == MOVE:
                known[node_id] = known[data[0]]
                continue
            result = values_of(node, [known[i] for i in data], [edit[i] for i in parameters])
            if result is None:
                return None
            known[node_id] = result
        return known[self.inner[-1]]


def regions(edit: Editor, result: int, dtype: str, per_channel: bool = False) -> Iterator[Region]:
    """Find the regions that end with a value, the nearest source first.

    The source of each further region comes before that of the previous one.

    Args:
        edit: the graph under change.
        result: id of the value at the end.
        dtype: element type that the source must have.
        per_channel: the function may differ between the entries of the last dimension. Regions then hold no layout
            transforms.

    Yields:
        The regions.
    """
    terms = _Terms(edit, per_channel)
    sources = terms.sources_of(result)
    shape = edit[result].type.shape
    #: What the part of the region that is taken in so far reads, by the maps from there to the result.
    open_: dict[int, set[LayoutMap]] = {result: {LayoutMap.reshape(shape, shape)}}
    constants: dict[int, Values] = {}
    inner: list[int] = []
    for at, node_id in enumerate(sources):
        layouts = open_.get(node_id, set())
        if at and len(open_) == 1 and len(layouts) == 1 and edit[node_id].type.dtype == dtype:
            yield Region(node_id, next(iter(layouts)), tuple(reversed(inner)), constants)
        # What cannot be taken in stays open: a region must begin with it, and with nothing else.
        if not terms.takes(node_id) or sum(not terms.takes(i) for i in open_) > 1:
            return
        del open_[node_id]
        inner.append(node_id)
        for operand in _operands(edit[node_id])[0]:
            value = terms.constant(operand)
            if value is not None:
                constants[operand] = value
                continue
            if edit[node_id].op != MOVE and edit[operand].type.shape != edit[node_id].type.shape:  # broadcast
                return
            open_.setdefault(operand, set()).update(_before(edit[node_id], layouts))
            if not open_[operand]:
                return


def _before(node: Node, layouts: set[LayoutMap]) -> set[LayoutMap]:
    """The maps from an operator's operand to the result, from those that begin with the operator."""
    if node.op != MOVE:
        return layouts
    both = {node.layout_map.then(layout) for layout in layouts}
    return set() if None in both else {one for one in both if one is not None}


@dataclass(frozen=True)
class _Terms:
    """The operators that may be part of a region."""

    edit: Editor
    per_channel: bool
    _taken: dict[int, bool] = field(default_factory=dict)
    #: By value, as `_one_value` finds them: what is looked at again and again lies on few ways.
    _known: dict[int, int | None] = field(default_factory=dict)

    def sources_of(self, result: int) -> list[int]:
        """The values that the result is computed from through operators that can be taken in. Each comes before what it
        reads, and those at which it ends come last."""
        done: dict[int, None] = {}
        ends: dict[int, None] = {}
        open_: set[int] = set()
        # A node's complement stands for its end, which comes after all that it reads.
        stack = [result]
        while stack:
            node_id = stack.pop()
            if node_id < 0:
                done[~node_id] = None
                continue
            if node_id in open_ or node_id in ends:
                continue
            if not self.takes(node_id) or len(done) + len(stack) > _MOST_OPERATORS:
                ends[node_id] = None
                continue
            open_.add(node_id)
            stack.append(~node_id)
            stack.extend(i for i in _operands(self.edit[node_id])[0] if self.constant(i) is None)
        return [*reversed(done), *ends]

    def takes(self, node_id: int) -> bool:
        taken = self._taken.get(node_id)
        if taken is None:
            node = self.edit[node_id]
            if node.op == MOVE:
                taken = not self.per_channel
            else:
                taken = node.op in KNOWN and all(map(self.edit.is_constant, _operands(node)[1]))
            self._taken[node_id] = taken
        return taken

    def constant(self, node_id: int) -> Values | None:
        """[1, 1] or [channels, 1]: what a value holds that is computed from constants."""
        value = self._one_value(node_id)
        if value is not None:
            return np.array([[value]], np.int64)
        return channel_values(self.edit, node_id, {}) if self.per_channel else None

    def _one_value(self, node_id: int) -> int | None:
        """The one value that all elements have, where operators of one operand compute it from a constant."""
        chain = []
        while node_id not in self._known:
            node = self.edit[node_id]
            if node.op == CONST:
                self._known[node_id] = uniform_value(self.edit, node_id)
            elif not (node.op == MOVE or self.takes(node_id)) or len(_operands(node)[0]) != 1:
                self._known[node_id] = None
            else:
                chain.append(node_id)
                node_id = node.inputs[0]
        value = self._known[node_id]
        for node_id in reversed(chain):
            node = self.edit[node_id]
            if value is not None and node.op != MOVE:
                result = values_of(node, [np.array([value], np.int64)], [self.edit[i] for i in _operands(node)[1]])
                value = None if result is None else int(result[0])
            self._known[node_id] = value
        return value


def _operands(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Data and parameters."""
    count = 1 if node.op in (MOVE, "RESCALE") else DATA_OPERANDS[node.op]
    return node.inputs[:count], node.inputs[count:]
