"""From a graph to a TOSA 1.0 flatbuffer.

The bytes follow from the graph's content alone, since tensors are named by their place in the program. So graphs with
equal hashes are written as equal files, whatever their names and origin were.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from search_space.ir import schema
from search_space.ir.dtypes import DTYPE_NUMBER
from search_space.ir.graph import INPUT, MOVE, Graph, Node
from search_space.ir.layout_map import Shape
from search_space.tosa_file.flatbuffer import Builder, field_list

_REGION = (4, 8)  # name, blocks
_BLOCK = (4, 8, 12, 16, 20, 24)  # name, operators, tensors, inputs, outputs, shapes
_TENSOR_FIELDS = field_list((4, 8, 12, 16), 16)
_TENSOR = struct.Struct("<IIIII")  # field list, name, shape, type, data
_SHAPE_FIELDS = field_list((4, 8, 12), 12)
_SHAPE = struct.Struct("<IIII")  # field list, name, rank, data
_OPERATOR_FIELDS = field_list((4, 20, 8, 12, 16), 20)  # op, attribute type, attribute, inputs, outputs
_OPERATOR = struct.Struct("<IIIIIB3x")  # field list, op, attribute, inputs, outputs, attribute type
_U32 = struct.Struct("<I")


class _AttributeTable:
    """The layout of one operator's attributes: four-byte fields first, then single bytes."""

    def __init__(self, op: str) -> None:
        fields = schema.ATTRIBUTES.get(op, ())
        wide = [f for f in fields if f.kind != "bool"]
        flags = [f for f in fields if f.kind == "bool"]
        self.fields = (*wide, *flags)
        self.offsets = {f.name: 4 + 4 * i for i, f in enumerate(wide)}
        self.offsets |= {f.name: 4 + 4 * len(wide) + i for i, f in enumerate(flags)}
        self.body = struct.Struct(f"<{len(wide)}i{len(flags)}?{-len(flags) % 4}x")
        self.field_list = field_list(tuple(self.offsets[f.name] for f in fields), self.body.size)
        self.names = tuple(f.name for f in self.fields)


_ATTRIBUTE_TABLES = {op: _AttributeTable(op) for op in schema.ATTRIBUTE_TABLES}
_NUMBERS = {kind: {name: at for at, name in enumerate(names)} for kind, names in schema.ENUMS.items() if names}
_NUMBERS["dtype"] = DTYPE_NUMBER


def write_tosa(graph: Graph) -> bytes:
    """The program as a flatbuffer: one region `main` with one block `main`, TOSA version 1.0.0."""
    return _Writer(graph).write()


def written_operators(graph: Graph) -> tuple[int, ...]:
    """The node of each operator of the written file, in the file's order.

    Constants and shapes count.
    """
    return tuple(node_id for node_id in graph.order for _ in range(_count(graph[node_id])))


def _count(node: Node) -> int:
    """Number of operators that a node is written as."""
    if node.op == MOVE:
        return sum(1 if step.kind == "transpose" else 2 for step in node.steps)
    return 0 if node.op == INPUT else 1 + len(schema.SHAPE_OPERANDS.get(node.op, ()))


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._build = Builder(b"TOSA")
        self._operators: list[int] = []  # where they stand
        self._tensors: list[tuple[str, Shape, str, bytes]] = []
        self._shapes: list[tuple[str, tuple[int, ...]]] = []
        self._slots: list[int] = []  # where names are pointed to
        self._named: list[str] = []  # which, slot by slot
        self._names = {node_id: f"t{at}" for at, node_id in enumerate(graph.order)}

    def write(self) -> bytes:
        build, graph, names = self._build, self._graph, self._names
        root = build.table((4, 8), bytes(8))
        build.point_to(0, root)
        build.point_to(root + 4, build.table((4, 8, 12, 16), struct.pack("<iii?3x", 1, 0, 0, False)))
        regions = build.offsets(root + 8, 1)
        region = build.table(_REGION, bytes(8))
        build.point_to(regions, region)
        self._name(region + 4, "main")
        blocks = build.offsets(region + 8, 1)
        block = build.table(_BLOCK, bytes(24))
        build.point_to(blocks, block)
        self._name(block + 4, "main")

        nodes = [graph.nodes[node_id] for node_id in names]
        slots = build.offsets(block + 8, sum(map(_count, nodes)))
        for node, name in zip(nodes, names.values(), strict=True):
            self._node(node, name, [names[i] for i in node.inputs])
        self._point_to_each(slots, self._operators)
        slots = build.offsets(block + 12, len(self._tensors))
        self._point_to_each(slots, [self._tensor(*one) for one in self._tensors])
        self._name_vector(block + 16, [names[i] for i in graph.inputs])
        self._name_vector(block + 20, [names[i] for i in graph.outputs])
        slots = build.offsets(block + 24, len(self._shapes))
        self._point_to_each(slots, [self._shape(*one) for one in self._shapes])
        self._strings()
        return bytes(build.out)

    def _node(self, node: Node, name: str, operands: list[str]) -> None:
        """Write the node's operators, and list the tensors and shapes that they are about."""
        if node.op == MOVE:
            self._move(node, name, operands[0])
            return
        self._tensors.append((name, node.type.shape, node.type.dtype, node.payload))
        if node.op == INPUT:
            return
        if node.op in schema.SHAPE_OPERANDS:
            for index, attribute in schema.SHAPE_OPERANDS[node.op].items():
                operands.insert(index, self._const_shape(f"{name}.{attribute}", node.attributes[attribute]))
        self._operator(node.op, operands, name, node.attributes)

    def _move(self, node: Node, name: str, source: str) -> None:
        shape = self._graph[node.inputs[0]].type.shape
        last = len(node.steps) - 1
        for at, step in enumerate(node.steps):
            shape = step.result(shape)
            result = name if at == last else f"{name}.{at}"
            self._tensors.append((result, shape, node.type.dtype, b""))
            if step.kind == "transpose":
                self._operator("TRANSPOSE", [source], result, {"perms": step.argument})
            else:
                operands = [source, self._const_shape(f"{result}.shape", step.argument)]
                self._operator("RESHAPE", operands, result, {})
            source = result

    def _const_shape(self, name: str, values: tuple[int, ...]) -> str:
        self._shapes.append((name, values))
        self._operator("CONST_SHAPE", [], name, {})
        return name

    def _operator(self, op: str, operands: list[str], result: str, attributes: Mapping[str, Any]) -> None:
        build, out, table = self._build, self._build.out, _ATTRIBUTE_TABLES[op]
        own_fields = build.fields(_OPERATOR_FIELDS)
        position = len(out)
        out += bytes(_OPERATOR.size)
        fields = build.fields(table.field_list)
        start = len(out)
        behind = _behind_operator(op, tuple(map(attributes.__getitem__, table.names)), len(operands), start % 8)
        out += behind.content
        _U32.pack_into(out, start, start - fields)
        _OPERATOR.pack_into(
            out, position, position - own_fields, schema.OPERATOR_NUMBER[op], start - position - 8,
            start + behind.operands - position - 12, start + behind.results - position - 16,
            schema.ATTRIBUTE_NUMBER[op],
        )  # fmt: skip
        self._operators.append(position)
        if operands:
            first = start + behind.operands + 4
            self._slots += range(first, first + 4 * len(operands), 4)
            self._named += operands
        self._name(start + behind.results + 4, result)

    def _tensor(self, name: str, shape: Shape, dtype: str, payload: bytes) -> int:
        build, out = self._build, self._build.out
        fields = build.fields(_TENSOR_FIELDS)
        position = len(out)
        out += _tensor(shape, dtype, position % 8)
        _U32.pack_into(out, position, position - fields)
        self._name(position + 4, name)
        out += _U32.pack(len(payload))
        if payload:
            out += payload
            build.align(4)
        return position

    def _shape(self, name: str, values: tuple[int, ...]) -> int:
        build, out = self._build, self._build.out
        fields = build.fields(_SHAPE_FIELDS)
        position = len(out)
        out += _SHAPE.pack(position - fields, 0, len(values), 0)
        self._name(position + 4, name)
        build.vector_of_bytes(position + 12, struct.pack(f"<{len(values)}q", *values), boundary=8)
        return position

    def _point_to_each(self, first: int, targets: Sequence[int]) -> None:
        """The slots from `first` on point to the targets."""
        offsets = [target - first - 4 * at for at, target in enumerate(targets)]
        struct.pack_into(f"<{len(targets)}I", self._build.out, first, *offsets)

    def _name(self, slot: int, name: str) -> None:
        self._slots.append(slot)
        self._named.append(name)

    def _name_vector(self, slot: int, names: list[str]) -> None:
        first = self._build.offsets(slot, len(names))
        self._slots += range(first, first + 4 * len(names), 4)
        self._named += names

    def _strings(self) -> None:
        """A flatbuffer points forwards only, so the strings come last and what names them is filled in now."""
        out, end = self._build.out, self._build.align(4)
        strings, places = [], {}
        for name in dict.fromkeys(self._named):
            places[name] = end
            strings.append(_string(name))
            end += len(strings[-1])
        out += b"".join(strings)
        slots = np.array(self._slots)
        np.frombuffer(out, "<u4")[slots // 4] = np.array([places[name] for name in self._named]) - slots
        # Nothing after the last one would have to be aligned.
        last = next(reversed(places))
        del out[places[last] + 4 + len(last.encode()) + 1 :]


@dataclass(frozen=True)
class _Behind:
    """What an operator's table points to, as bytes that begin with its attributes; where their field list stands is not
    filled in.

    Attributes:
        operands, results: where in the bytes the vectors of names stand, which are still empty.
    """

    content: bytes
    operands: int
    results: int


#: Programs of one search consist of the same operators and types over and over.
_KEPT = 1 << 12


@lru_cache(_KEPT)
def _behind_operator(op: str, values: tuple[Any, ...], operands: int, start: int) -> _Behind:
    """values: of the attributes, as the table has its fields. start: position modulo 8."""
    table = _ATTRIBUTE_TABLES[op]
    inline = []
    for field, value in zip(table.fields, values, strict=True):
        if field.kind in ("ints", "bytes"):
            inline.append(0)
        elif field.kind in _NUMBERS:
            inline.append(_NUMBERS[field.kind][value])
        else:
            inline.append(value)
    build = Builder(bytes(4 + start))
    start = len(build.out)
    build.out += bytes(4) + table.body.pack(*inline)
    for field, value in zip(table.fields, values, strict=True):
        if field.kind == "ints":
            build.vector_of_int32(start + table.offsets[field.name], value)
        elif field.kind == "bytes":
            build.vector_of_bytes(start + table.offsets[field.name], value, boundary=8)
    first = build.align(4)
    build.out += struct.pack(f"<{operands + 3}I", operands, *[0] * operands, 1, 0)
    return _Behind(bytes(build.out[start:]), first - start, first - start + 4 + 4 * operands)


@lru_cache(_KEPT)
def _tensor(shape: Shape, dtype: str, start: int) -> bytes:
    """A tensor up to its payload; where field list and name stand is not filled in. start: position modulo 8."""
    vector = struct.pack(f"<I{len(shape)}i", len(shape), *shape)
    data = _TENSOR.size + len(vector)
    data += -(start + data + 4) % 8
    return (_TENSOR.pack(0, 0, 12, DTYPE_NUMBER[dtype], data - 16) + vector).ljust(data, b"\0")


@lru_cache(_KEPT)
def _string(text: str) -> bytes:
    """A string and the padding after it."""
    data = text.encode()
    return _U32.pack(len(data)) + data + bytes(4 - len(data) % 4)
