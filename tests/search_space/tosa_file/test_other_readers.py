"""What others write we read as they meant it, and they read what we write: Arm's serialiser and generated accessors."""

import importlib
from typing import Any

import numpy as np
import pytest
import tosa_serializer as ts
from hypothesis import given
from support.programs.serialised import ATTRIBUTES, accessor, attribute, one_operator
from tosa.Attribute import Attribute
from tosa.DType import DType
from tosa.Op import Op
from tosa.TosaGraph import TosaGraph

from search_space.ir import schema
from search_space.ir.dtypes import DTYPES
from search_space.ir.graph import CONST, INPUT, MOVE, Graph
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from velatune.testing.random.graphs import graphs


def _values(operator: Any, op: str) -> dict[str, Any]:
    """An operator's attributes as the generated accessors read them."""
    name = accessor(op)
    table = getattr(importlib.import_module(f"tosa.{name}"), name)()
    union = operator.Attribute()
    table.Init(union.Bytes, union.Pos)
    assert operator.AttributeType() == getattr(Attribute, name)
    found: dict[str, Any] = {}
    for field in schema.ATTRIBUTES.get(op, ()):
        camel = "".join(part.capitalize() for part in field.name.split("_"))
        if field.kind in ("ints", "bytes"):
            array = [getattr(table, camel)(i) for i in range(getattr(table, camel + "Length")())]
            found[field.name] = tuple(array) if field.kind == "ints" else bytes(v & 0xFF for v in array)
        else:
            value = getattr(table, camel)()
            names = DTYPES if field.kind == "dtype" else schema.ENUMS.get(field.kind)
            found[field.name] = names[value] if names else value
    return found


def test_numbers_are_those_of_the_schema() -> None:
    for number, op in enumerate(schema.OPERATORS):
        assert getattr(Op, op) == number
    for op, number in schema.ATTRIBUTE_NUMBER.items():
        assert getattr(Attribute, accessor(op)) == number
    for number, dtype in enumerate(DTYPES):
        assert getattr(DType, dtype) == number
    for kind, module in (
        ("nan_mode", "NanPropagationMode"),
        ("rounding", "RoundingMode"),
        ("resize_mode", "ResizeMode"),
    ):
        names = schema.ENUMS[kind]
        assert names is not None
        enum = getattr(importlib.import_module(f"tosa.{module}"), module)
        assert [getattr(enum, name) for name in names] == list(range(len(names)))


@pytest.mark.parametrize(
    "op", sorted({*schema.ATTRIBUTES, *schema.SHAPE_OPERANDS} - {*schema.REFUSED, "TRANSPOSE", "RESHAPE"})
)
def test_attributes_written_by_others_are_read_and_written_as_they_were(op: str) -> None:
    arguments, expected = ATTRIBUTES[op]
    graph = read_tosa(one_operator(op, arguments=arguments))
    node = graph[graph.outputs[0]]
    assert node.op == op
    assert node.attributes == expected
    assert [graph[i].name for i in node.inputs] == ["x", "y"]

    block = TosaGraph.GetRootAs(write_tosa(graph), 0).Regions(0).Blocks(0)
    operator = block.Operators(block.OperatorsLength() - 1)
    assert operator.Op() == getattr(Op, op)
    wanted = {name: value for name, value in expected.items() if name not in schema.SHAPE_OPERANDS.get(op, {}).values()}
    assert _values(operator, op) == wanted


@pytest.mark.parametrize(
    "op",
    [
        op
        for op in schema.OPERATORS
        if op not in {*schema.ATTRIBUTES, *schema.SHAPE_OPERANDS, *schema.REFUSED, "UNKNOWN", "CONST", "CONST_SHAPE"}
    ],
)
def test_operators_without_attributes_are_read(op: str) -> None:
    if not hasattr(ts.TosaSerializerAttribute, accessor(op)):
        pytest.fail(f"{op} has no attribute table in the serialiser")
    graph = read_tosa(one_operator(op))
    assert graph[graph.outputs[0]].op == op
    assert read_tosa(write_tosa(graph)).hash == graph.hash


@pytest.mark.parametrize("op", sorted({"TRANSPOSE", "RESHAPE"}))
def test_movements_of_others(op: str) -> None:
    serializer = ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)
    block = serializer.currRegion.currBasicBlock
    serializer.addInputTensor(ts.TosaSerializerTensor("x", [2, 3, 4], ts.DType.INT16))
    if op == "TRANSPOSE":
        block.addTensor("out", [4, 2, 3], ts.DType.INT16)
        block.addOperator(ts.Op.TRANSPOSE, ["x"], ["out"], attribute("TransposeAttribute", [2, 0, 1]))
        steps = "transpose(2,0,1)"
    else:
        block.addTensor("out", [6, 4], ts.DType.INT16)
        block.addShape("to", 2, np.asarray([6, 4], np.int64))
        block.addOperator(ts.Op.CONST_SHAPE, [], ["to"], attribute("ConstShapeAttribute"))
        block.addOperator(ts.Op.RESHAPE, ["x", "to"], ["out"], attribute("ReshapeAttribute"))
        steps = "reshape(6,4)"
    serializer.addOutputTensor(block.tensors["out"])
    graph = read_tosa(bytes(serializer.serialize()))
    (step,) = graph[graph.outputs[0]].steps
    assert str(step) == steps


def _constants(graph: Graph) -> list[bytes]:
    return [graph[i].payload for i in graph.order if graph[i].op == CONST]


@given(graphs())
def test_arm_s_serialiser_loads_what_we_write(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    path = tmp_path_factory.getbasetemp() / "program.tosa"
    path.write_bytes(write_tosa(graph))
    serializer = ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)
    # The name of the method is the loader's; it says whether it failed.
    serializer.loadTosaFlatbuffer(str(path))
    (region,) = serializer.regions
    (block,) = region.basicBlocks
    wanted = []
    for node_id in graph.order:
        node = graph[node_id]
        if node.op == MOVE:
            wanted += [step.kind.upper() for step in node.steps]
        elif node.op != INPUT:
            wanted.append(node.op)
    assert [op.op.name for op in block.operators if op.op != ts.Op.CONST_SHAPE] == wanted
    assert len(block.inputs) == len(graph.inputs)
    assert len(block.outputs) == len(graph.outputs)
    tensors = block.tensors
    for name, node_id in zip(block.outputs, graph.outputs, strict=True):
        assert tuple(tensors[name].shape) == graph[node_id].type.shape
        assert tensors[name].dtype.name == graph[node_id].type.dtype
    loaded = [bytes(v & 0xFF for v in tensors[op.outputs[0]].data) for op in block.operators if op.op == ts.Op.CONST]
    assert loaded == _constants(graph)
