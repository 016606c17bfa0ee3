"""Which operation of a command stream is the first to write something else than its TOSA program says.

Vela's rows name the tensor that their operations write. Where that is a tensor of the program, its operations leave its
value in memory. This is compared with the reference model's. Tensors that Vela made up are not compared. Nor are
rolling buffers that are partly overwritten before they are complete, in another order than by rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from search_space.ir.dtypes import NUMPY
from search_space.ir.graph import Graph
from workers.checking.check_inputs import CheckInput
from workers.checking.incremental_values import Values
from workers.checking.reference import ARRAY_TYPES
from workers.ethos_u.command_stream import FeatureMap, Operation, StreamError, decode, rows_of
from workers.ethos_u.command_stream.operator_cost import OperatorCost
from workers.ethos_u.npu_model import Fault, NpuProgram, Unmodelled, execute
from workers.ethos_u.npu_model.memory.feature_maps import layout, memory_shape
from workers.ethos_u.stream_check.interface import used_inputs

_BRICK = 16


@dataclass(frozen=True)
class Difference:
    """What the first operation does that goes wrong.

    Attributes:
        operation: its number in the stream, copies counted; the last one of several that write the tensor together.
        kind: as in `conv`.
        source_op: the TOSA operator that Vela made it of, in Vela's spelling.
        node: id of the node whose value it writes.
        tensor: that value's name, or operator and place in the program.
        differing, elements: how many values are others than the reference model's, and of how many.
    """

    operation: int
    kind: str
    source_op: str
    node: int
    tensor: str
    differing: int
    elements: int

    def __str__(self) -> str:
        return (
            f"operation {self.operation} ({self.kind}, of {self.source_op}) is the first to go wrong: "
            f"{self.differing} of {self.elements} values of {self.tensor} differ"
        )


def first_difference(
    graph: Graph, program: NpuProgram, rows: Sequence[OperatorCost], inputs: CheckInput
) -> Difference | None:
    """The first operation that writes something else than the program says, on one set of inputs.

    Args:
        graph: one delegate's program.
        program: what Vela made of `write_tosa(graph)`.
        rows: Vela's of the same compilation.
        inputs: one set of inputs of the program.

    Returns:
        None if no tensor that can be compared differs.

    Raises:
        ReferenceFailed: the reference model does not run the program.
    """
    written = _written(graph, program, rows, inputs)
    ids = [i for i in graph.order if i in written]
    if not ids:
        return None
    values = Values([inputs]).outputs(Graph(graph.nodes, graph.inputs, tuple(ids), graph.next_id))
    expected = {i: one[0] for i, one in zip(ids, values, strict=True)}
    for one in sorted((written[i] for i in ids), key=lambda one: one.operation):
        found = one.values
        wanted = expected[one.node].reshape(-1)
        if found is None or found.size != wanted.size:
            continue
        unsigned = f"u{found.itemsize}"
        differing = int((found.view(unsigned) != wanted.view(unsigned)).sum())
        if differing:
            node = graph[one.node]
            name = node.name or f"{node.op} {graph.places[one.node]}"
            return Difference(one.operation, one.kind, one.source_op, one.node, name, differing, wanted.size)
    return None


@dataclass(frozen=True)
class _Part:
    """What one operation writes of a tensor: addresses and values by row, column and channel, flat. No addresses if it
    is chained to the operation that reads it."""

    ofm: FeatureMap
    addresses: np.ndarray | None
    values: np.ndarray


@dataclass
class _Written:
    """What a stream writes of one tensor.

    Attributes:
        node: whose value it is.
        operation, kind, source_op: of the last operation that writes it.
        parts: of each operation, in order.
    """

    node: int
    operation: int = 0
    kind: str = ""
    source_op: str = ""
    parts: list[_Part] = field(default_factory=list)

    @property
    def values(self) -> np.ndarray | None:
        """All of them by row, column and channel; None if that cannot be known."""
        values = np.concatenate([one.values for one in self.parts])
        places = self._places()
        if places is not None:
            order = np.argsort(places)
            if (np.diff(places[order]) > 0).all():
                return values[order]
        # Not in memory, or several values in one place of a rolling buffer: stripes of whole rows follow each other.
        rows = {memory_shape(one.ofm)[1:] for one in self.parts}
        return values if len(rows) == 1 else None

    def _places(self) -> np.ndarray | None:
        """For each value a number that grows with row, column and channel."""
        kinds = {(one.ofm.format, one.ofm.region, one.ofm.strides) for one in self.parts}
        addresses = [one.addresses for one in self.parts if one.addresses is not None]
        if len(kinds) != 1 or len(addresses) != len(self.parts):
            return None
        ((storage, _, strides),) = kinds
        offsets = np.concatenate(addresses)
        offsets -= offsets.min()
        if storage == "NHWC":
            return offsets
        brick_bytes = _BRICK * self.parts[0].ofm.element_bytes
        row_bytes, _, plane_bytes = strides
        if plane_bytes <= 0 or row_bytes % plane_bytes:
            plane_bytes = row_bytes
        row, in_row = np.divmod(offsets, row_bytes)
        plane, in_plane = np.divmod(in_row, plane_bytes)
        column, in_brick = np.divmod(in_plane, brick_bytes)
        columns, planes = plane_bytes // brick_bytes, row_bytes // plane_bytes
        return ((row * columns + column) * planes + plane) * brick_bytes + in_brick


def _written(
    graph: Graph, program: NpuProgram, rows: Sequence[OperatorCost], inputs: CheckInput
) -> dict[int, _Written]:
    """By node, what the stream writes of its value, as far as it can be executed."""
    decoded = decode(program.command_stream)
    row_numbers = rows_of(decoded, rows)
    numbers = {one.offset: number for number, one in enumerate(decoded.operations)}
    # As write_tosa names them.
    nodes = {f"t{place}": i for i, place in graph.places.items() if graph[i].type.dtype in ARRAY_TYPES}
    found: dict[int, _Written] = {}

    def seen(operation: Operation, values: np.ndarray) -> None:
        number = numbers[operation.offset]
        row = rows[row_numbers[number]]
        node, ofm = nodes.get(row.name), operation.ofm
        assert ofm is not None
        # What has another width are sums on the way, such as U55's and U65's products of a MATMUL.
        if node is None or ofm.element_bytes != NUMPY[graph[node].type.dtype].itemsize:
            return
        one = found.setdefault(node, _Written(node))
        one.operation, one.kind, one.source_op = number, str(operation.kind), row.source_op
        in_order = _as_in_memory(ofm, values[0]).reshape(-1).astype(f"i{ofm.element_bytes}")
        one.parts.append(_Part(ofm, _addresses(operation, ofm), in_order))

    # What comes before a fault may have gone wrong already.
    with suppress(Fault, Unmodelled, StreamError):
        arrays = [array[None] for array in inputs.arrays]
        execute(program, used_inputs(graph, program, arrays), trace=seen, decoded=decoded)
    return found


def _as_in_memory(ofm: FeatureMap, values: np.ndarray) -> np.ndarray:
    """`[H, W, C]` in the order of dimensions in memory."""
    if ofm.reverse != "NONE":
        values = np.flip(values, "HWC".index(ofm.reverse))
    return values.transpose(["HWC".index(letter) for letter in ofm.transpose])


def _addresses(operation: Operation, ofm: FeatureMap) -> np.ndarray | None:
    """Of each element, flat by row, column and channel as in memory."""
    if not ofm.in_memory:
        return None
    place = layout(operation, "OFM", ofm)
    found = np.empty(place.shape, np.int64)
    for piece in place.pieces:
        steps = [np.arange(size) * stride for size, stride in zip(piece.shape, piece.strides, strict=True)]
        offsets = sum(np.ix_(*steps), start=np.int64(ofm.addresses[piece.tile] + piece.offset))
        part = found[piece.rows, piece.columns, piece.channels]
        part[...] = np.asarray(offsets).reshape(part.shape)
    return found.reshape(-1)
