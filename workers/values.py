"""What the operators of programs compute on given inputs, each of them run once.

The TOSA reference model runs every operator on the first set of inputs. Where numpy gives the same bits there, it
computes the others: the reference model takes seconds for a convolution of a large image.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class _Computed:
    """What numpy computed of one program. results: names of values, by operator. first: names of the values on the
    first inputs alone, by node."""

    results: dict[bytes, bytes] = field(default_factory=dict)
    first: dict[int, bytes] = field(default_factory=dict)


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
        computed = _Computed()
        names = self._names(graph, computed)
        if computed.first and not self._agrees(graph, names, computed):
            names = self._names(graph, None)
        else:
            self._results |= computed.results
        return self._get(graph, graph.outputs, names)

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
            # numpy has no such type: it is run together with what reads it.
            name = self._results[operator] = blake2b(operator, digest_size=_DIGEST_BYTES).digest()
            return name
        part = slice_graph(graph, _array_operands(graph, node_id), [node_id])
        given = self._get(graph, part.inputs, names)
        arrays = self._by_numpy(part, given) if computed else None
        if computed and arrays is not None:
            name = computed.results[operator] = _name(arrays[0])
            computed.first[node_id] = _name(arrays[0][:1])
        else:
            arrays = [self._run_one(part, given, operator)]
            name = self._results[operator] = _name(arrays[0])
        self._recent.put(name, arrays[0])
        return name

    def _run_one(self, part: Graph, given: Sequence[Arrays], operator: bytes) -> Arrays:
        known = self._kept.get(operator) if self._kept else None
        if known is not None:
            return known
        started = time.process_time()
        (arrays,) = self._run(part, given)
        if self._kept and time.process_time() - started > _SECONDS_WORTH_KEEPING:
            self._kept.put_if_possible(operator, arrays)
        return arrays

    def _agrees(self, graph: Graph, names: Mapping[int, bytes], computed: _Computed) -> bool:
        """Whether the reference model gives what numpy does on the first inputs. All in one run: the model takes longer
        for what is around an operator than for most operators."""
        there = {i for i in names if i not in computed.first and (graph[i].op == INPUT or _is_array(graph[i]))}
        part = slice_graph(graph, there, list(computed.first))
        given = [arrays[0] for arrays in self._get(graph, part.inputs, names)]
        try:
            (found,) = run_on_each(part, [given])
        except ReferenceFailed:
            return False
        return [_name((array,)) for array in found] == list(computed.first.values())

    def _sets(self, given: Sequence[Arrays]) -> list[tuple[np.ndarray, ...]]:
        return list(zip(*given, strict=True)) or [()] * len(self.inputs)

    def _by_numpy(self, part: Graph, given: Sequence[Arrays]) -> list[Arrays] | None:
        found = []
        for arrays in self._sets(given):
            outputs = outputs_of(part, arrays)
            if outputs is None:
                return None
            found.append(outputs)
        return list(zip(*found, strict=True))

    def _run(self, part: Graph, given: Sequence[Arrays]) -> list[Arrays]:
        try:
            found = run_on_each(part, self._sets(given))
        except ReferenceFailed as error:
            raise ReferenceFailed(f"{error} on {self.inputs[error.at].kind} inputs", error.at) from error
        return list(zip(*found, strict=True))

    def _get(self, graph: Graph, ids: Sequence[int], names: Mapping[int, bytes]) -> list[Arrays]:
        found = {i: arrays for i in ids if (arrays := self._known(graph[i], names[i])) is not None}
        dropped = [i for i in dict.fromkeys(ids) if i not in found]
        if dropped:  # all in one run
            there = {i for i, name in names.items() if name in self._given or name in self._recent}
            part = slice_graph(graph, there, dropped)
            given = self._get(graph, part.inputs, names)
            again = self._by_numpy(part, given)
            if again is None or [*map(_name, again)] != [names[i] for i in dropped]:
                again = self._run(part, given)
            found.update(zip(dropped, again, strict=True))
            for i in dropped:
                self._recent.put(names[i], found[i])
        return [found[i] for i in ids]

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


def _name(arrays: Arrays) -> bytes:
    digest = blake2b(f"{arrays[0].dtype} {arrays[0].shape} ".encode(), digest_size=_DIGEST_BYTES)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
