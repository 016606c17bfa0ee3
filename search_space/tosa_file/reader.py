"""Reading of TOSA 1.0 flatbuffers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from search_space.errors import SpaceError
from search_space.ir import schema
from search_space.ir.dtypes import DTYPES, payload_bytes
from search_space.ir.graph import CONST, INPUT, Graph, Node, Step, TensorType, move
from search_space.tosa_file.flatbuffer import Table

T = TypeVar("T")
VTables = dict[int, tuple[int, ...]]

_CONTROL_FLOW = "control flow, such as torch.cond"


def read_tosa(data: bytes, origin: str = "the program") -> Graph:
    """Read a TOSA file as ExecuTorch writes it: one region with one block.

    An output that is an input as well becomes an IDENTITY of it. ExecuTorch writes such programs, and Vela refuses an
    output that no operator computes.

    Args:
        data: the flatbuffer.
        origin: how messages name the file.

    Returns:
        The program.

    Raises:
        SpaceError: the file is no TOSA 1.0 flatbuffer, cut off or corrupt. Or it has control flow or an unknown
            operator. The message is one line.
    """
    return _with_copies(_read(data, origin, _Block.graph))


def returned_inputs(data: bytes) -> tuple[str, ...]:
    """Inputs that a TOSA file has among its outputs. Vela does not compile it as it is.

    Args:
        data: as of `read_tosa`.

    Returns:
        Their names, in the order of the outputs.

    Raises:
        SpaceError: as `read_tosa`, except for operators, which are not looked at.
    """
    return _read(data, "the program", _Block.returned_inputs)


def _with_copies(graph: Graph) -> Graph:
    """Outputs that are inputs become copies of them."""
    copies = {i: graph.next_id + at for at, i in enumerate(i for i in graph.inputs if i in graph.outputs)}
    nodes = {**graph.nodes, **{copy: Node("IDENTITY", (i,), graph[i].type) for i, copy in copies.items()}}
    return Graph(nodes, graph.inputs, tuple(copies.get(i, i) for i in graph.outputs), graph.next_id + len(copies))


def _read(data: bytes, origin: str, part: Callable[[_Block], T]) -> T:
    data = bytes(data)
    if data[4:8] != b"TOSA":
        raise SpaceError(f"{origin} is not a TOSA flatbuffer (its file identifier is missing)")
    try:
        return part(_block(data))
    except SpaceError as error:
        raise SpaceError(f"{origin}: {error}") from None
    except (struct.error, IndexError, ValueError, MemoryError, RecursionError) as error:
        raise SpaceError(f"{origin} is a corrupt or cut-off TOSA flatbuffer ({error})") from None


def _block(data: bytes) -> _Block:
    vtables: VTables = {}
    root = Table(data, struct.unpack_from("<I", data)[0], vtables)
    version_at = root.indirect(0)
    if version_at is None:
        raise ValueError("no version")
    version = Table(data, version_at, vtables)
    major, minor = version.int32(0, -1), version.int32(1, -1)
    if (major, minor) != (1, 0):
        raise SpaceError(f"it is TOSA {major}.{minor}; velatune reads TOSA 1.0")
    regions = root.tables(1, vtables)
    if len(regions) != 1:
        raise SpaceError(f"it has {len(regions)} regions ({_CONTROL_FLOW}); velatune reads programs of one")
    blocks = regions[0].tables(1, vtables)
    if len(blocks) != 1:
        raise SpaceError(f"it has {len(blocks)} blocks ({_CONTROL_FLOW}); velatune reads programs of one")
    return _Block(data, blocks[0], vtables)


class _Block:
    def __init__(self, data: bytes, table: Table, vtables: VTables) -> None:
        self._data, self._table, self._vtables = data, table, vtables
        self._types: dict[str, TensorType] = {}
        self._payloads: dict[str, Table] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._ids: dict[str, int] = {}
        self._nodes: dict[int, Node] = {}

    def returned_inputs(self) -> tuple[str, ...]:
        inputs = self._table.strings(3)
        return tuple(name for name in self._table.strings(4) if name in inputs)

    def graph(self) -> Graph:
        for tensor in self._table.tables(2, self._vtables):
            name = tensor.string(0)
            self._types[name] = TensorType(tensor.int32s(1), DTYPES[tensor.uint32(2)])
            self._payloads[name] = tensor
        for shape in self._table.tables(5, self._vtables):
            payload = shape.bytes_(2)
            rank = shape.uint32(1)
            self._shapes[shape.string(0)] = struct.unpack_from(f"<{rank}q", payload)
        inputs = tuple(
            self._define(name, Node(INPUT, (), self._type(name), name=name)) for name in self._table.strings(3)
        )
        pending = self._table.tables(1, self._vtables)
        for operator in pending:
            self._operator(operator)
        outputs = tuple(self._id(name, "the program's outputs") for name in self._table.strings(4))
        graph = Graph(self._nodes, inputs, outputs, len(self._ids))
        needed = set(graph.order)
        return Graph({i: n for i, n in self._nodes.items() if i in needed}, inputs, outputs, len(self._ids))

    def _define(self, name: str, node: Node) -> int:
        if name in self._ids:
            raise SpaceError(f"value '{name}' is computed twice")
        self._ids[name] = len(self._ids)
        self._nodes[self._ids[name]] = node
        return self._ids[name]

    def _type(self, name: str) -> TensorType:
        try:
            return self._types[name]
        except KeyError:
            raise SpaceError(f"tensor '{name}' is used but not declared") from None

    def _id(self, name: str, user: str) -> int:
        try:
            return self._ids[name]
        except KeyError:
            raise SpaceError(f"{user} reads '{name}', which nothing before it computes") from None

    def _operator(self, table: Table) -> None:
        op = _operator_name(table.uint32(0))
        if op == "CONST_SHAPE":
            return
        inputs, outputs = table.strings(3), table.strings(4)
        if len(outputs) != 1:
            raise SpaceError(f"{op} with {len(outputs)} results is not supported")
        name = outputs[0]
        result = self._type(name)
        if op == CONST:
            self._define(name, self._constant(name, result))
            return
        attributes = self._attributes(table, op)
        operands = self._operands(op, name, inputs, attributes)
        if op in ("TRANSPOSE", "RESHAPE"):
            node = self._movement(op, name, operands[0], attributes, result)
        else:
            node = Node(op, tuple(operands), result, attributes, name=name)
        self._define(name, node)

    def _constant(self, name: str, result: TensorType) -> Node:
        payload = self._payloads[name].bytes_(3)
        size = payload_bytes(result.dtype, result.elements)
        if len(payload) < size:
            raise SpaceError(f"constant '{name}' has {len(payload)} bytes, {result} needs {size}")
        return Node(CONST, (), result, payload=payload[:size], name=name)

    def _attributes(self, table: Table, op: str) -> dict[str, Any]:
        at, kind = table.indirect(2), table.uint8(1)
        if at is None or not kind:
            return {}
        if kind != schema.ATTRIBUTE_NUMBER.get(op):
            raise ValueError(f"{op} has another operator's attributes")
        values = Table(self._data, at, self._vtables)
        fields = enumerate(schema.ATTRIBUTES.get(op, ()))
        return {field.name: _READ[field.kind](values, index) for index, field in fields}

    def _operands(self, op: str, name: str, inputs: Sequence[str], attributes: dict[str, Any]) -> list[int]:
        """Ids of the operands. Those that are shapes become attributes instead."""
        shape_operands = schema.SHAPE_OPERANDS.get(op, {})
        operands = []
        for index, operand in enumerate(inputs):
            if index not in shape_operands:
                operands.append(self._id(operand, f"{op} '{name}'"))
            elif operand in self._shapes:
                attributes[shape_operands[index]] = self._shapes[operand]
            else:
                raise SpaceError(
                    f"{op} '{name}' takes its {shape_operands[index]} from a computed shape; "
                    "only constant shapes are supported"
                )
        return operands

    def _movement(self, op: str, name: str, source: int, attributes: Mapping[str, Any], result: TensorType) -> Node:
        kind, argument = ("transpose", "perms") if op == "TRANSPOSE" else ("reshape", "shape")
        try:
            node = move(source, self._nodes[source].type, (Step(kind, attributes.get(argument, ())),), name)
        except SpaceError as error:
            raise SpaceError(f"{op} '{name}': {error}") from None
        if node.type != result:
            raise SpaceError(f"{op} '{name}' gives {node.type}, the file says {result}")
        return node


def _operator_name(number: int) -> str:
    if number >= len(schema.OPERATORS):
        raise SpaceError(f"operator number {number} is not in TOSA 1.0")
    op = schema.OPERATORS[number]
    if op in schema.REFUSED:
        raise SpaceError(f"{op} is not supported, {schema.REFUSED[op]}")
    return op


def _enum(names: tuple[str, ...]) -> Callable[[Table, int], str]:
    return lambda table, index: names[table.uint32(index)]


_READ: dict[str, Callable[[Table, int], Any]] = {
    "int": Table.int32,
    "bool": lambda table, index: bool(table.uint8(index)),
    "ints": Table.int32s,
    "bytes": Table.bytes_,
    "dtype": _enum(DTYPES),
    **{kind: _enum(names) for kind, names in schema.ENUMS.items() if names is not None},
}
