"""What the operators of programs compute on given inputs, each of them run once.

The TOSA reference model runs every operator on the first set of inputs. Where numpy gives the same bits there, it
computes the others. The reference model takes seconds for a convolution of a large image.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from search_space.ir.graph import CONST, INPUT, Graph, Node
from search_space.ir.subgraph import slice_graph
from workers.cache.kept_values import KeptValues
from workers.cache.lru import LRU
from workers.checking.check_inputs import CheckInput
from workers.checking.numpy_operators import constant_value, outputs_of, result_of
from workers.checking.reference import ARRAY_TYPES, run_on_each
from workers.errors import ReferenceFailed

_DIGEST_BYTES = 16
_KEPT_BYTES = 128 << 20
_SECONDS_WORTH_KEEPING = 0.5

#: Operators. The time of the reference model grows with the square of how many a program has.
_RUN_TOGETHER = 128


@dataclass(frozen=True)
class _Computed:
    """What numpy computed of one program.

    Attributes:
        results: names of values, by operator.
        first: names of the values on the first inputs alone, by node.
    """

    results: dict[bytes, bytes] = field(default_factory=dict)
    first: dict[int, bytes] = field(default_factory=dict)


class Values:
    """Of all programs that take these inputs.

    A value is an array on all sets of inputs: they are its first dimension. It is known by its content, an operator by
    its kind and the values that it reads. A TOSA operator is a function of these. So of a program that differs from
    others in a few operators, only these are run. Those after them run no longer as soon as a value is one that others
    had there.

    kept: for what takes seconds to compute.
    """

    def __init__(self, inputs: Sequence[CheckInput], kept: KeptValues | None = None) -> None:
        """Compute on the given inputs.

        Args:
            inputs: one or more sets.
            kept: for what takes seconds to compute; None keeps nothing.
        """
        self.inputs, self._kept = inputs, kept
        given = [np.stack(arrays) for arrays in zip(*(one.arrays for one in inputs), strict=True)]
        self._given_names = [_name(array) for array in given]
        self._given = dict(zip(self._given_names, given, strict=True))
        self._results: dict[bytes, bytes] = {}  # names of values, by operator
        self._recent: LRU[np.ndarray] = LRU(_KEPT_BYTES, size=lambda array: array.nbytes)

    def outputs(self, graph: Graph) -> list[tuple[np.ndarray, ...]]:
        """What the program gives: for each of its outputs an array for each set of inputs.

        Raises ReferenceFailed if the reference model does not run it on one of them.
        """
        computed = _Computed()
        names = self._names(graph, computed)
        if computed.first and not self._agrees(graph, names, computed):
            names = self._names(graph, None)
        else:
            self._results |= computed.results
        return [tuple(array) for array in self._get(graph, graph.outputs, names)]

    def _names(self, graph: Graph, computed: _Computed | None) -> dict[int, bytes]:
        """Those of all values. computed: gets what numpy computes; None to leave all to the reference model."""
        names = dict(zip(graph.inputs, self._given_names, strict=True))
        for node_id in graph.order:
            node = graph[node_id]
            if node.op == CONST:
                names[node_id] = node.digest
            elif node.op != INPUT:
                names[node_id] = self._result(graph, node_id, names, computed)
        return names

    def _result(self, graph: Graph, node_id: int, names: Mapping[int, bytes], computed: _Computed | None) -> bytes:
        """The name of a node's value; its operands have theirs."""
        node = graph[node_id]
        operator = node.digest + b"".join([names[i] for i in node.inputs])
        name = self._results.get(operator) or (computed and computed.results.get(operator))
        if name:
            return name
        if not _is_array(node):
            # The reference model does not give it out: it is run together with what reads it.
            name = self._results[operator] = sha256(operator).digest()[:_DIGEST_BYTES]
            return name
        array = self._by_numpy(graph, node_id, names) if computed else None
        if computed and array is not None:
            computed.first[node_id], name = _names_of(array)
            computed.results[operator] = name
        else:
            array = self._by_reference(graph, node_id, names, operator)
            name = self._results[operator] = _name(array)
        self._recent.put(name, array)
        return name

    def _by_numpy(self, graph: Graph, node_id: int, names: Mapping[int, bytes]) -> np.ndarray | None:
        node = graph[node_id]
        operands = [graph[i] for i in node.inputs]
        if all(one.op == CONST or _is_array(one) for one in operands):
            given = iter(self._get(graph, [i for i in node.inputs if graph[i].op != CONST], names))
            arrays = [constant_value(one) if one.op == CONST else next(given) for one in operands]
            known = [one for one in arrays if one is not None]
            found = result_of(node, operands, known) if len(known) == len(arrays) else None
        else:
            part = slice_graph(graph, _array_operands(graph, node_id), [node_id])
            outputs = outputs_of(part, self._get(graph, part.inputs, names))
            found = None if outputs is None else outputs[0]
        return None if found is None else self._on_all(found)

    def _on_all(self, array: np.ndarray) -> np.ndarray:
        """A value that may be the same on all sets of inputs."""
        return np.ascontiguousarray(np.broadcast_to(array, (len(self.inputs), *array.shape[1:])))

    def _by_reference(self, graph: Graph, node_id: int, names: Mapping[int, bytes], operator: bytes) -> np.ndarray:
        part = slice_graph(graph, _array_operands(graph, node_id), [node_id])
        given = self._get(graph, part.inputs, names)
        known = self._kept.get(operator) if self._kept else None
        if known is not None:
            return np.stack(known)
        started = time.process_time()
        (array,) = self._run(part, given)
        if self._kept and time.process_time() - started > _SECONDS_WORTH_KEEPING:
            self._kept.put_if_possible(operator, tuple(array))
        return array

    def _agrees(self, graph: Graph, names: Mapping[int, bytes], computed: _Computed) -> bool:
        """Whether the reference model gives what numpy does on the first inputs.

        Many operators in one run: the model takes longer for what is around an operator than for most operators. What
        the operators of one run read of another is what numpy computed there, which that run is about.
        """
        arrays = {i for i in names if graph[i].op == INPUT or _is_array(graph[i])}
        pending = list(computed.first)
        while pending:
            together, pending = pending[:_RUN_TOGETHER], pending[_RUN_TOGETHER:]
            part = slice_graph(graph, arrays.difference(together), together)
            given = [array[0] for array in self._get(graph, part.inputs, names)]
            try:
                (found,) = run_on_each(part, [given])
            except ReferenceFailed:
                return False
            if [_name(array[None]) for array in found] != [computed.first[i] for i in together]:
                return False
        return True

    def _run(self, part: Graph, given: Sequence[np.ndarray]) -> list[np.ndarray]:
        try:
            found = run_on_each(part, [[array[at] for array in given] for at in range(len(self.inputs))])
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} on {self.inputs[error.at].kind} inputs", error.at) from error
        return [np.stack(arrays) for arrays in zip(*found, strict=True)]

    def _get(self, graph: Graph, ids: Sequence[int], names: Mapping[int, bytes]) -> list[np.ndarray]:
        found = {i: array for i in ids if (array := self._known(graph[i], names[i])) is not None}
        dropped = [i for i in dict.fromkeys(ids) if i not in found]
        if dropped:  # all in one run
            there = _nearest(graph, dropped, lambda i: names[i] in self._given or names[i] in self._recent)
            part = slice_graph(graph, there, dropped)
            given = self._get(graph, part.inputs, names)
            again = [self._on_all(one) for one in outputs_of(part, given) or ()]
            if [*map(_name, again)] != [names[i] for i in dropped]:
                again = self._run(part, given)
            found.update(zip(dropped, again, strict=True))
            for i in dropped:
                self._recent.put(names[i], found[i])
        return [found[i] for i in ids]

    def _known(self, node: Node, name: bytes) -> np.ndarray | None:
        if node.op == CONST:
            return self._on_all(node.array[None])
        known = self._given.get(name)
        return self._recent.get(name) if known is None else known


def _array_operands(graph: Graph, node_id: int) -> set[int]:
    """The values that a node is computed from, as far as they are arrays, and those behind them that are not."""
    return _nearest(graph, [node_id], lambda i: _is_array(graph[i]))


def _nearest(graph: Graph, ids: Sequence[int], wanted: Callable[[int], bool]) -> set[int]:
    """The first ones on each way back from some nodes that are wanted."""
    found, seen = set(), set()
    pending = [source for node_id in ids for source in graph[node_id].inputs]
    while pending:
        source = pending.pop()
        if source in seen:
            continue
        seen.add(source)
        if wanted(source):
            found.add(source)
        else:
            pending.extend(graph[source].inputs)
    return found


def _is_array(node: Node) -> bool:
    return node.op != CONST and node.type.dtype in ARRAY_TYPES


def _name(array: np.ndarray) -> bytes:
    return _names_of(array)[1]


def _names_of(array: np.ndarray) -> tuple[bytes, bytes]:
    """Of a value on the first inputs alone, and on all."""
    digest = sha256(f"{array.dtype.str} {array.shape[1:]}".encode())
    array = np.ascontiguousarray(array)
    digest.update(array[:1].data)
    first = digest.digest()[:_DIGEST_BYTES]
    digest.update(array[1:].data)
    return first, digest.digest()[:_DIGEST_BYTES]
