"""What the operators of programs compute on given inputs, by the TOSA reference model, each of them run once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np

from search_space.graph import CONST, INPUT, Graph, Node
from search_space.slice import slice_graph
from workers.check_inputs import CheckInput
from workers.kept_values import KeptValues
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
        self._recent: OrderedDict[bytes, Arrays] = OrderedDict()
        self._recent_bytes = 0

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
                self._put(name, arrays)
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
        try:
            found = run_on_each(part, list(zip(*given, strict=True)) or [()] * len(self.inputs))
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} on {self.inputs[error.at].kind} inputs", error.at) from error
        return list(zip(*found, strict=True))

    def _get(self, graph: Graph, ids: Sequence[int], names: Mapping[int, bytes]) -> list[Arrays]:
        found = {i: arrays for i in ids if (arrays := self._known(graph[i], names[i])) is not None}
        dropped = [i for i in dict.fromkeys(ids) if i not in found]
        if dropped:  # all in one run
            there = {i for i, name in names.items() if name in self._given or name in self._recent}
            part = slice_graph(graph, there, dropped)
            found.update(zip(dropped, self._run(part, self._get(graph, part.inputs, names)), strict=True))
            for i in dropped:
                self._put(names[i], found[i])
        return [found[i] for i in ids]

    def _known(self, node: Node, name: bytes) -> Arrays | None:
        if node.op == CONST:
            return (node.array,) * len(self.inputs)
        if name in self._recent:
            self._recent.move_to_end(name)
        return self._given.get(name) or self._recent.get(name)

    def _put(self, name: bytes, arrays: Arrays) -> None:
        self._recent_bytes += _size(arrays) - _size(self._recent.pop(name, ()))
        self._recent[name] = arrays
        while self._recent_bytes > _KEPT_BYTES:
            self._recent_bytes -= _size(self._recent.popitem(last=False)[1])


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


def _name(arrays: Arrays) -> bytes:
    digest = blake2b(f"{arrays[0].dtype} {arrays[0].shape} ".encode(), digest_size=_DIGEST_BYTES)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays)
