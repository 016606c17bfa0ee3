"""One TOSA program in memory: immutable nodes under ids, shared between graphs, equal graphs known by their hash.

A node is one operator and the one tensor that it computes. The graph maps ids to nodes, and a node names its inputs by
id. So a rewrite replaces the nodes that it changes, and shares the rest with the graph before it. An id keeps denoting
the same tensor in every graph that descends from one loaded program. So a rewritten region can be checked against the
region that it replaced.

TRANSPOSE and RESHAPE are one kind of node, `MOVE`. It has the physical steps that it is written as, and the layout map
that these amount to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from hashlib import blake2b
from math import prod
from typing import Any

import numpy as np

from search_space.errors import SpaceError
from search_space.ir.dtypes import NUMPY
from search_space.ir.layout_map import LayoutMap, Shape

INPUT, CONST, MOVE = "INPUT", "CONST", "MOVE"

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class TensorType:
    """The shape and element type of a tensor.

    Attributes:
        shape: int tuple, () for a scalar.
        dtype: a name of `search_space.ir.dtypes.DTYPES`.
    """

    shape: Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype.lower()}[{','.join(map(str, self.shape))}]"

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Step:
    """One physical operator of a MOVE: kind `transpose` with the perms, or `reshape` with the new shape."""

    kind: str
    argument: tuple[int, ...]

    def result(self, shape: Shape) -> Shape:
        return self.argument if self.kind == "reshape" else tuple(shape[p] for p in self.argument)

    def map_from(self, shape: Shape) -> LayoutMap:
        return (LayoutMap.reshape if self.kind == "reshape" else LayoutMap.transpose)(shape, self.argument)

    def __str__(self) -> str:
        return f"{self.kind}({','.join(map(str, self.argument))})"


@dataclass(frozen=True, eq=False)
class Node:
    """One operator and its one result.

    Attributes:
        op: a TOSA operator, or INPUT, CONST, MOVE.
        inputs: ids.
        attributes: names as in `search_space.ir.schema`, shape operands included; values are ints, bools, strings,
            bytes or int tuples.
        payload: a constant's little-endian bytes as TOSA stores them.
        name: for people only; two nodes that differ in it alone are the same program.
    """

    op: str
    inputs: tuple[int, ...]
    type: TensorType
    attributes: Attributes = field(default_factory=dict)
    payload: bytes = b""
    name: str = field(default="", compare=False)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes over everything but the inputs and the name."""
        described = [str(s) for s in self.steps] if self.op == MOVE else sorted(self.attributes.items())
        text = f"{self.op}|{self.type}|{described!r}|{len(self.payload)}|"
        return blake2b(text.encode() + self.payload, digest_size=16).digest()

    def reading(self, inputs: tuple[int, ...]) -> Node:
        """The same operator on other operands of the same types."""
        other = object.__new__(Node)
        # What is found out about a node says nothing of its inputs.
        vars(other).update(vars(self), inputs=inputs, digest=self.digest)
        return other

    def same_as(self, other: Node) -> bool:
        return self is other or (self.inputs == other.inputs and self.digest == other.digest)

    @cached_property
    def array(self) -> np.ndarray:
        """A constant's values, read-only. Raises SpaceError for types that numpy does not have (INT4, INT48)."""
        if self.op != CONST:
            raise SpaceError(f"{self.op} is not a constant")
        numpy_type = NUMPY.get(self.type.dtype)
        if numpy_type is None:
            raise SpaceError(f"constants of type {self.type.dtype} cannot be read as an array")
        return np.frombuffer(self.payload, numpy_type, count=self.type.elements).reshape(self.type.shape)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Of a MOVE: the operators that it is written as."""
        return self.attributes["steps"]

    @cached_property
    def layout_map(self) -> LayoutMap:
        """Of a MOVE: what its steps amount to."""
        return self.attributes["map"]


def constant(array: np.ndarray, dtype: str | None = None, name: str = "") -> Node:
    """Make a CONST node.

    Args:
        array: its values and shape.
        dtype: its element type; None for the TOSA type of the array's.
        name: its name, for people.

    Returns:
        The node.
    """
    if dtype is None:
        dtype = next(tosa for tosa, numpy_type in NUMPY.items() if numpy_type == array.dtype)
    payload = np.ascontiguousarray(array, NUMPY[dtype]).tobytes()
    return Node(CONST, (), TensorType(tuple(array.shape), dtype), payload=payload, name=name)


def move(source: int, source_type: TensorType, steps: tuple[Step, ...], name: str = "") -> Node:
    """Make a MOVE node.

    Args:
        source: id of the value that is transformed.
        source_type: its type.
        steps: the TRANSPOSE and RESHAPE operators that it is written as, at least one.
        name: its name, for people.

    Returns:
        The node.

    Raises:
        SpaceError: the steps do not fit the shape, or are no single permutation of atoms. One step always is.
    """
    total: LayoutMap | None = None
    shape = source_type.shape
    for step in steps:
        one = step.map_from(shape)
        total = one if total is None else total.then(one)
        if total is None:
            raise SpaceError(f"{', '.join(map(str, steps))} on {shape} is not one layout map")
        shape = step.result(shape)
    if total is None:
        raise SpaceError("a MOVE needs at least one step")
    attributes = {"steps": steps, "map": total}
    return Node(MOVE, (source,), TensorType(shape, source_type.dtype), attributes, name=name)


@dataclass(frozen=True, eq=False)
class Graph:
    """One TOSA program.

    Attributes:
        nodes: id -> node, every node that the outputs need, and all inputs.
        inputs, outputs: ids in the order of the program's interface.
        next_id: the first id that no graph of this descent has used yet.
        readers: what reads each node, in any order, where the maker of the graph knows it.
    """

    nodes: Mapping[int, Node]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    next_id: int
    readers: InitVar[Mapping[int, tuple[int, ...]] | None] = None  # so that no copy with other nodes gets them

    def __post_init__(self, readers: Mapping[int, tuple[int, ...]] | None) -> None:
        vars(self)["_readers"] = readers

    def __getitem__(self, node_id: int) -> Node:
        return self.nodes[node_id]

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Ids in the order in which the program is written: inputs, then depth first from the outputs. So the order
        follows from the structure alone. Raises SpaceError on a cycle or an input that does not exist."""
        done: dict[int, None] = dict.fromkeys(self.inputs)
        open_: set[int] = set()
        nodes = self.nodes
        # A node's complement stands for its end, which comes after all that it reads.
        stack = list(reversed(self.outputs))
        while stack:
            node_id = stack.pop()
            if node_id < 0:
                done[~node_id] = None
            elif node_id not in done:
                node = nodes.get(node_id)
                if node is None:
                    raise SpaceError(f"value {node_id} is used but not computed by any node")
                if not node.inputs:
                    done[node_id] = None
                    continue
                if node_id in open_:
                    raise SpaceError(f"{node.op} {node.name or node_id} needs its own result")
                open_.add(node_id)
                stack.append(~node_id)
                stack.extend(node.inputs[::-1])
        return tuple(done)

    @cached_property
    def operator_ids(self) -> tuple[int, ...]:
        """Ids of the nodes that compute something, in program order: neither inputs nor constants."""
        return tuple(i for i in self.order if self.nodes[i].op not in (INPUT, CONST))

    @cached_property
    def places(self) -> Mapping[int, int]:
        """id -> place in `order`, from 0."""
        return {node_id: at for at, node_id in enumerate(self.order)}

    @cached_property
    def hash(self) -> str:
        """32 hex digits: equal for programs that differ in names and ids only, and for no others."""
        places, nodes = self.places, self.nodes
        parts: list[bytes] = []
        for node_id in self.order:
            node = nodes[node_id]
            parts.append(node.digest)
            parts.append(b"[%s]" % b", ".join([b"%d" % places[i] for i in node.inputs]))
        ends = [places[i] for i in self.inputs], [places[i] for i in self.outputs]
        parts.append(repr(ends).encode())
        return blake2b(b"".join(parts), digest_size=16).hexdigest()

    @cached_property
    def users(self) -> Users:
        """id -> ids of the nodes that read it, in program order, one entry per reading operand."""
        known = vars(self)["_readers"]
        # A node that nothing needs reads nothing that counts.
        if known is not None and len(self.order) == len(self.nodes):
            return Users(self.places, dict(known))
        readers: dict[int, list[int]] = {node_id: [] for node_id in self.order}
        for node_id in self.order:
            for source in self.nodes[node_id].inputs:
                readers[source].append(node_id)
        return Users(self.places, {node_id: tuple(found) for node_id, found in readers.items()})

    def operators(self) -> Iterator[tuple[int, Node]]:
        """`operator_ids` with their nodes."""
        for node_id in self.operator_ids:
            yield node_id, self.nodes[node_id]


class Users(Mapping[int, tuple[int, ...]]):
    """The users of each node; see `Graph.users`. They are sorted on first access, since most are never read."""

    def __init__(self, places: Mapping[int, int], readers: dict[int, tuple[int, ...]]) -> None:
        """Wrap the users of a graph's nodes.

        Args:
            places: id -> place in program order.
            readers: id -> ids of the users, in any order.
        """
        self._places, self._readers = places, readers
        self._ordered: set[int] = set()

    def __getitem__(self, node_id: int) -> tuple[int, ...]:
        readers = self._readers[node_id]
        if len(readers) > 1 and node_id not in self._ordered:
            readers = self._readers[node_id] = tuple(sorted(readers, key=self._places.__getitem__))
            self._ordered.add(node_id)
        return readers

    def __iter__(self) -> Iterator[int]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def after(self, changes: Mapping[int, tuple[int, ...]], dead: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """The users after a change.

        Args:
            changes: id -> users, of nodes whose users changed.
            dead: ids of removed nodes.

        Returns:
            id -> ids of the users, in any order.
        """
        readers = {**self._readers, **changes}
        for node_id in dead:
            del readers[node_id]
        return readers
