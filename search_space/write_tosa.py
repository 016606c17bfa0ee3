"""From a graph to a TOSA 1.0 flatbuffer.

The bytes follow from the graph's content alone: tensors are named by their place in the program, so graphs with equal
hashes are written as equal files, whatever they were called and wherever they came from.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from search_space import schema
from search_space.dtypes import DTYPE_NUMBER
from search_space.flatbuffer import Builder
from search_space.graph import INPUT, MOVE, Graph, Node, TensorType

_REGION = (4, 8)  # name, blocks
_BLOCK = (4, 8, 12, 16, 20, 24)  # name, operators, tensors, inputs, outputs, shapes
_TENSOR, _TENSOR_BODY = (4, 8, 12, 16), struct.Struct("<IIII")  # name, shape, type, data
_SHAPE, _SHAPE_BODY = (4, 8, 12), struct.Struct("<III")  # name, rank, data
_OPERATOR = (4, 20, 8, 12, 16)  # op, attribute type, attribute, inputs, outputs
_OPERATOR_BODY = struct.Struct("<IIIIB3x")  # op, attribute, inputs, outputs, attribute type


class _AttributeTable:
    """How one operator's attributes are laid out: four-byte fields first, single bytes behind them."""

    def __init__(self, op: str) -> None:
        fields = schema.ATTRIBUTES.get(op, ())
        wide = [f for f in fields if f.kind != "bool"]
        flags = [f for f in fields if f.kind == "bool"]
        self.fields = (*wide, *flags)
        self.offsets = {f.name: 4 + 4 * i for i, f in enumerate(wide)}
        self.offsets |= {f.name: 4 + 4 * len(wide) + i for i, f in enumerate(flags)}
        self.layout = tuple(self.offsets[f.name] for f in fields)
        self.body = struct.Struct(f"<{len(wide)}i{len(flags)}?{-len(flags) % 4}x")


_ATTRIBUTE_TABLES = {op: _AttributeTable(op) for op in schema.ATTRIBUTE_TABLES}
_NUMBERS = {kind: {name: at for at, name in enumerate(names)} for kind, names in schema.ENUMS.items() if names}
_NUMBERS["dtype"] = DTYPE_NUMBER


def write_tosa(graph: Graph) -> bytes:
    """The program as a flatbuffer: one region `main` with one block `main`, TOSA version 1.0.0."""
    return _Writer(graph).write()


def written_operators(graph: Graph) -> tuple[int, ...]:
    """The node that each operator of the written file belongs to, in the file's order (constants and shapes count)."""
    writer = _Writer(graph)
    writer.collect()
    return tuple(writer.origins)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._build = Builder(b"TOSA")
        self._tensors: list[tuple[str, TensorType, bytes]] = []
        self._shapes: list[tuple[str, tuple[int, ...]]] = []
        self._operators: list[tuple[str, list[str], str, Mapping[str, Any]]] = []
        self._named: dict[str, list[int]] = {}
        self._names = {node_id: f"t{at}" for at, node_id in enumerate(graph.order)}
        self.origins: list[int] = []

    def write(self) -> bytes:
        self.collect()
        self._file([self._names[i] for i in self._graph.inputs], [self._names[i] for i in self._graph.outputs])
        return bytes(self._build.out)

    def collect(self) -> None:
        """List what the file will hold."""
        for node_id, name in self._names.items():
            self._collect(self._graph[node_id], name, [self._names[i] for i in self._graph[node_id].inputs])
            self.origins += [node_id] * (len(self._operators) - len(self.origins))

    def _collect(self, node: Node, name: str, operands: list[str]) -> None:
        if node.op == MOVE:
            self._collect_move(node, name, operands[0])
            return
        self._tensors.append((name, node.type, node.payload))
        if node.op == INPUT:
            return
        for index, attribute in schema.SHAPE_OPERANDS.get(node.op, {}).items():
            operands.insert(index, self._shape(f"{name}.{attribute}", node.attributes[attribute]))
        self._operators.append((node.op, operands, name, node.attributes))

    def _collect_move(self, node: Node, name: str, source: str) -> None:
        shape = self._graph[node.inputs[0]].type.shape
        last = len(node.steps) - 1
        for at, step in enumerate(node.steps):
            shape = step.result(shape)
            result = name if at == last else f"{name}.{at}"
            self._tensors.append((result, TensorType(shape, node.type.dtype), b""))
            if step.kind == "transpose":
                self._operators.append(("TRANSPOSE", [source], result, {"perms": step.argument}))
            else:
                operands = [source, self._shape(f"{result}.shape", step.argument)]
                self._operators.append(("RESHAPE", operands, result, {}))
            source = result

    def _shape(self, name: str, values: tuple[int, ...]) -> str:
        self._shapes.append((name, values))
        self._operators.append(("CONST_SHAPE", [], name, {}))
        return name

    def _file(self, inputs: list[str], outputs: list[str]) -> None:
        build = self._build
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

        slots = build.offsets(block + 8, len(self._operators))
        for at, (op, operands, result, attributes) in enumerate(self._operators):
            numbers = schema.OPERATOR_NUMBER[op], 0, 0, 0, schema.ATTRIBUTE_NUMBER[op]
            position = build.table(_OPERATOR, _OPERATOR_BODY.pack(*numbers))
            build.point_to(slots + 4 * at, position)
            self._attributes(position + 8, op, attributes)
            self._name_vector(position + 12, operands)
            self._name_vector(position + 16, [result])

        slots = build.offsets(block + 12, len(self._tensors))
        for at, (name, tensor, payload) in enumerate(self._tensors):
            position = build.table(_TENSOR, _TENSOR_BODY.pack(0, 0, DTYPE_NUMBER[tensor.dtype], 0))
            build.point_to(slots + 4 * at, position)
            self._name(position + 4, name)
            build.vector_of_int32(position + 8, tensor.shape)
            build.vector_of_bytes(position + 16, payload, boundary=8)

        self._name_vector(block + 16, inputs)
        self._name_vector(block + 20, outputs)

        slots = build.offsets(block + 24, len(self._shapes))
        for at, (name, values) in enumerate(self._shapes):
            position = build.table(_SHAPE, _SHAPE_BODY.pack(0, len(values), 0))
            build.point_to(slots + 4 * at, position)
            self._name(position + 4, name)
            build.vector_of_bytes(position + 12, struct.pack(f"<{len(values)}q", *values), boundary=8)

        # A flatbuffer points forwards only, so the strings come last and what names them is filled in now.
        for name, naming in self._named.items():
            string = build.string(name)
            for slot in naming:
                build.point_to(slot, string)

    def _name(self, slot: int, name: str) -> None:
        self._named.setdefault(name, []).append(slot)

    def _name_vector(self, slot: int, names: list[str]) -> None:
        first = self._build.offsets(slot, len(names))
        for at, name in enumerate(names):
            self._name(first + 4 * at, name)

    def _attributes(self, slot: int, op: str, attributes: Mapping[str, Any]) -> None:
        table, build = _ATTRIBUTE_TABLES[op], self._build
        values = []
        for field in table.fields:
            value = attributes[field.name]
            if field.kind in ("ints", "bytes"):
                values.append(0)
            elif field.kind in _NUMBERS:
                values.append(_NUMBERS[field.kind][value])
            else:
                values.append(value)
        position = build.table(table.layout, table.body.pack(*values))
        build.point_to(slot, position)
        for field in table.fields:
            if field.kind == "ints":
                build.vector_of_int32(position + table.offsets[field.name], attributes[field.name])
            elif field.kind == "bytes":
                build.vector_of_bytes(position + table.offsets[field.name], attributes[field.name], boundary=8)
