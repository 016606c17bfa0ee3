"""What the operators of programs compute on given inputs, each of them run once.

The TOSA reference model runs every operator on the first set of inputs. If numpy gives the same bits there, it computes
the others: the reference model takes seconds for a convolution of a large image.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np

from search_space.graph import CONST, INPUT, Graph, Node
from search_space.slice import slice_graph
from workers.arithmetic import outputs_of
from workers.check_inputs import CheckInput
from workers.kept_values import KeptValues
from workers.recent import Recent
from workers.reference import ARRAY_TYPES, ReferenceFailed, run_on_each

_DIGEST_BYTES = 16
_KEPT_BYTES = 128 << 20
_SECONDS_WORTH_KEEPING = 0.5

#: A value on every set of inputs.
Arrays = tuple[np.ndarray, ...]


class Values:
    """Of all programs that take these inputs.

    A value is known by its content on all sets of inputs, an operator by what it is and by the values that it reads. A
    TOSA operator is a function of these. So of a program that differs from others in a few operators only these are
    run, and those behind them no longer as soon as a value is one that others had there.

    kept: for what takes seconds to compute.
    """

    def __init__(self, inputs: Sequence[CheckInput], kept: KeptValues | None = None) -> None:
        self.inputs, self._kept = inputs, kept
        given = [tuple(arrays) for arrays in zip(*(one.arrays for one in inputs), strict=True)]
        self._given = {_name(arrays): arrays for arrays in given}
        self._given_names = [_name(arrays) for arrays in given]
        self._results: dict[bytes, bytes] = {}  # names of values, by operator
        self._recent: Recent[Arrays] = Recent(_KEPT_BYTES, size=lambda arrays: sum(array.nbytes for array in arrays))

    def outputs(self, graph: Graph) -> list[Arrays]:
        """What the program gives: for each of its outputs an array for each set of inputs.

        Raises ReferenceFailed if the reference model does not run it on one of them.
        """
        names = dict(zip(graph.inputs, self._given_names, strict=True))
        for node_id in graph.order:
            node = graph[node_id]
            if node.op == CONST:
                names[node_id] = node.digest
            elif node.op != INPUT:
                names[node_id] = self._result(graph, node_id, names)
        return self._get(graph, graph.outputs, names)

    def _result(self, graph: Graph, node_id: int, names: Mapping[int, bytes]) -> bytes:
        """The name of a node's value; its operands have theirs."""
        node = graph[node_id]
        operator = node.digest + b"".join([names[i] for i in node.inputs])
        name = self._results.get(operator)
        if name is None:
            if _is_array(node):
                arrays = self._kept.get(operator) if self._kept else None
                if arrays is None:
                    arrays = self._run_one(graph, node_id, names, operator)
                name = _name(arrays)
                self._recent.put(name, arrays)
            else:
                # numpy has no such type: it is run together with what reads it.
                name = blake2b(operator, digest_size=_DIGEST_BYTES).digest()
            self._results[operator] = name
        return name

    def _run_one(self, graph: Graph, node_id: int, names: Mapping[int, bytes], operator: bytes) -> Arrays:
        started = time.process_time()
        part = slice_graph(graph, _array_operands(graph, node_id), [node_id])
        (arrays,) = self._run(part, self._get(graph, part.inputs, names))
        if self._kept and time.process_time() - started > _SECONDS_WORTH_KEEPING:
            self._kept.put_if_possible(operator, arrays)
        return arrays

    def _run(self, part: Graph, given: Sequence[Arrays]) -> list[Arrays]:
        sets = list(zip(*given, strict=True)) or [()] * len(self.inputs)
        found = self._by_reference(part, sets, 0, 1)
        computed = outputs_of(part, sets[0])
        if computed is not None and all(map(_equal, computed, found[0])):
            for at in range(1, len(sets)):
                computed = outputs_of(part, sets[at])
                found += self._by_reference(part, sets, at, at + 1) if computed is None else [computed]
        else:
            found += self._by_reference(part, sets, 1, len(sets))
        return list(zip(*found, strict=True))

    def _by_reference(
        self, part: Graph, sets: Sequence[Sequence[np.ndarray]], first: int, end: int
    ) -> list[list[np.ndarray]]:
        try:
            return run_on_each(part, sets[first:end])
        except ReferenceFailed as error:
            at = first + error.at
            raise ReferenceFailed(f"{error} on {self.inputs[at].kind} inputs", at) from error

    def _get(self, graph: Graph, ids: Sequence[int], names: Mapping[int, bytes]) -> list[Arrays]:
        found = {i: arrays for i in ids if (arrays := self._known(graph[i], names[i])) is not None}
        dropped = [i for i in dict.fromkeys(ids) if i not in found]
        if dropped:  # all in one run
            there = {i for i, name in names.items() if name in self._given or name in self._recent}
            part = slice_graph(graph, there, dropped)
            again = self._again(part, self._get(graph, part.inputs, names), [names[i] for i in dropped])
            found.update(zip(dropped, again, strict=True))
            for i in dropped:
                self._recent.put(names[i], found[i])
        return [found[i] for i in ids]

    def _again(self, part: Graph, given: Sequence[Arrays], names: Sequence[bytes]) -> list[Arrays]:
        """Values that were known once: their names tell whether they are the same."""
        sets = list(zip(*given, strict=True)) or [()] * len(self.inputs)
        computed = [found for one in sets if (found := outputs_of(part, one)) is not None]
        values = list(zip(*computed, strict=True))
        return values if len(computed) == len(sets) and [*map(_name, values)] == names else self._run(part, given)

    def _known(self, node: Node, name: bytes) -> Arrays | None:
        if node.op == CONST:
            return (node.array,) * len(self.inputs)
        return self._given.get(name) or self._recent.get(name)


def _array_operands(graph: Graph, node_id: int) -> set[int]:
    """The values that a node is computed from, as far as they are arrays, and those behind them that are not."""
    found = set()
    pending = list(graph[node_id].inputs)
    while pending:
        source = pending.pop()
        if _is_array(graph[source]):
            found.add(source)
        else:
            pending.extend(graph[source].inputs)
    return found


def _is_array(node: Node) -> bool:
    return node.op != CONST and node.type.dtype in ARRAY_TYPES


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def _name(arrays: Arrays) -> bytes:
    digest = blake2b(f"{arrays[0].dtype} {arrays[0].shape} ".encode(), digest_size=_DIGEST_BYTES)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
