"""What others write we read as they meant it, and they read what we write: Arm's serialiser and generated accessors."""

import importlib
from typing import Any

import numpy as np
import pytest
import tosa_serializer as ts
from hypothesis import given
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

_NAN = ts.NanPropagationMode
_CONV = [[1, 2, 3, 4], [5, 6], [7, 8], True, ts.DType.INT48]
_CONV_READ = {"pad": (1, 2, 3, 4), "stride": (5, 6), "dilation": (7, 8), "local_bound": True, "acc_type": "INT48"}

#: Operator -> (arguments of the serialiser's attribute, what we must read).
_ATTRIBUTES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "ARGMAX": ([3, _NAN.IGNORE], {"axis": 3, "nan_mode": "IGNORE"}),
    "AVG_POOL2D": (
        [[2, 3], [4, 5], [6, 7, 8, 9], ts.DType.FP32],
        {"kernel": (2, 3), "stride": (4, 5), "pad": (6, 7, 8, 9), "acc_type": "FP32"},
    ),
    "CONV2D": (_CONV, _CONV_READ),
    "CONV3D": (_CONV, _CONV_READ),
    "DEPTHWISE_CONV2D": (_CONV, _CONV_READ),
    "MAX_POOL2D": (
        [[2, 3], [4, 5], [6, 7, 8, 9], _NAN.PROPAGATE],
        {"kernel": (2, 3), "stride": (4, 5), "pad": (6, 7, 8, 9), "nan_mode": "PROPAGATE"},
    ),
    "TRANSPOSE_CONV2D": (
        [[-1, 2, 3, 4], [5, 6], True, ts.DType.INT32],
        {"out_pad": (-1, 2, 3, 4), "stride": (5, 6), "local_bound": True, "acc_type": "INT32"},
    ),
    "CLAMP": ([[0x80], [0x7F], _NAN.IGNORE], {"min_val": b"\x80", "max_val": b"\x7f", "nan_mode": "IGNORE"}),
    "ARITHMETIC_RIGHT_SHIFT": ([True], {"round": True}),
    "MAXIMUM": ([_NAN.IGNORE], {"nan_mode": "IGNORE"}),
    "MINIMUM": ([_NAN.PROPAGATE], {"nan_mode": "PROPAGATE"}),
    "REDUCE_ALL": ([2], {"axis": 2}),
    "REDUCE_ANY": ([2], {"axis": 2}),
    "REDUCE_MAX": ([2, _NAN.IGNORE], {"axis": 2, "nan_mode": "IGNORE"}),
    "REDUCE_MIN": ([2, _NAN.PROPAGATE], {"axis": 2, "nan_mode": "PROPAGATE"}),
    "REDUCE_PRODUCT": ([2], {"axis": 2}),
    "REDUCE_SUM": ([2], {"axis": 2}),
    "CONCAT": ([1], {"axis": 1}),
    "REVERSE": ([3], {"axis": 3}),
    "RESIZE": (
        [ts.ResizeMode.BILINEAR],
        {"mode": "BILINEAR", "scale": (4, 2, 4, 2), "offset": (-1, 1), "border": (1, 3)},
    ),
    "RESCALE": (
        [True, ts.RoundingMode.DOUBLE_ROUND, False, True, False],
        {
            "scale32": True, "rounding_mode": "DOUBLE_ROUND", "per_channel": False, "input_unsigned": True,
            "output_unsigned": False,
        },
    ),
    "PAD": ([], {"padding": (0, 1, 2, 3)}),
    "SLICE": ([], {"start": (1, 0), "size": (2, 2)}),
    "TILE": ([], {"multiples": (1, 3)}),
}  # fmt: skip


def one_operator(op: str, version: tuple[int, int] = (1, 0), **setup: Any) -> bytes:
    """A program of one operator on tensors x and y, written by Arm's serialiser. setup: arguments, results."""
    serializer = ts.TosaSerializer("", targetMajor=version[0], targetMinor=version[1], targetPatch=0, targetDraft=False)
    block = serializer.currRegion.currBasicBlock
    for name in ("x", "y"):
        serializer.addInputTensor(ts.TosaSerializerTensor(name, [4, 4], ts.DType.INT8))
    operands = ["x", "y"]
    _, expected = _ATTRIBUTES.get(op, ([], {}))
    for index, attribute in sorted(schema.SHAPE_OPERANDS.get(op, {}).items()):
        values = expected[attribute]
        block.addShape(attribute, len(values), np.asarray(values, np.int64))
        serializer.currRegion.currBasicBlock.addOperator(
            ts.Op.CONST_SHAPE, [], [attribute], _attribute("ConstShapeAttribute")
        )
        operands.insert(index, attribute)
    results = setup.get("results", ["out"])
    for name in results:
        block.addTensor(name, [4, 4], ts.DType.INT8)
    block.addOperator(getattr(ts.Op, op), operands, results, _attribute(_accessor(op), *setup.get("arguments", [])))
    for name in results:
        serializer.addOutputTensor(block.tensors[name])
    return bytes(serializer.serialize())


def _attribute(setter: str, *arguments: Any) -> Any:
    attribute = ts.TosaSerializerAttribute()
    getattr(attribute, setter)(*arguments)
    return attribute


def _accessor(op: str) -> str:
    """The name of an operator's attribute table in the generated accessors: ARGMAX -> ArgMaxAttribute."""
    wanted = op.replace("_", "").lower() + "attribute"
    (found,) = [name for name in vars(Attribute) if name.lower() == wanted]
    return found


def _values(operator: Any, op: str) -> dict[str, Any]:
    """An operator's attributes as the generated accessors read them."""
    name = _accessor(op)
    table = getattr(importlib.import_module(f"tosa.{name}"), name)()
    union = operator.Attribute()
    table.Init(union.Bytes, union.Pos)
    assert operator.AttributeType() == getattr(Attribute, name)
    found: dict[str, Any] = {}
    for field in schema.ATTRIBUTES.get(op, ()):
        accessor = "".join(part.capitalize() for part in field.name.split("_"))
        if field.kind in ("ints", "bytes"):
            array = [getattr(table, accessor)(i) for i in range(getattr(table, accessor + "Length")())]
            found[field.name] = tuple(array) if field.kind == "ints" else bytes(v & 0xFF for v in array)
        else:
            value = getattr(table, accessor)()
            names = DTYPES if field.kind == "dtype" else schema.ENUMS.get(field.kind)
            found[field.name] = names[value] if names else value
    return found


def test_numbers_are_those_of_the_schema() -> None:
    for number, op in enumerate(schema.OPERATORS):
        assert getattr(Op, op) == number
    for op, number in schema.ATTRIBUTE_NUMBER.items():
        assert getattr(Attribute, _accessor(op)) == number
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
    arguments, expected = _ATTRIBUTES[op]
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
    if not hasattr(ts.TosaSerializerAttribute, _accessor(op)):
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
        block.addOperator(ts.Op.TRANSPOSE, ["x"], ["out"], _attribute("TransposeAttribute", [2, 0, 1]))
        steps = "transpose(2,0,1)"
    else:
        block.addTensor("out", [6, 4], ts.DType.INT16)
        block.addShape("to", 2, np.asarray([6, 4], np.int64))
        block.addOperator(ts.Op.CONST_SHAPE, [], ["to"], _attribute("ConstShapeAttribute"))
        block.addOperator(ts.Op.RESHAPE, ["x", "to"], ["out"], _attribute("ReshapeAttribute"))
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
