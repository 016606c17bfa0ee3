"""A fact about Vela 5.1.0: an activation with a batch changes the shape of the operation before it.

Vela does TABLE and CLAMP in the operation that computes their operand, if nothing else reads the operand. An activation
of rank 4 or more with a batch is decomposed first. The batch becomes part of the height, and a slice remains that
covers the tensor. (See `DecomposeElementwise` in regor's compiler/scheduler_decompose.cpp.) From an activation with a
slice, the operation takes the shape (`PackOperations` in compiler/scheduler_packing.cpp). A convolution of [1,4,4,8]
then writes [16,1,8]: as many elements, computed from other pixels than their own. The two shapes differ after a RESHAPE
or a TRANSPOSE. They also differ after a 1x1 CONV2D of [N,H,W,C]. Vela sees it as [1,h,w,C] with other h and w
(`RewriteFullyConnected` in compiler/graphir_optimiser.cpp).

An activation without a batch has no slice, and the operation keeps its own shape. Written so, the program is right and
costs the same, since Vela removes reshapes. `docs/vela-miscompilations.md` says which versions are affected.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from search_space.ir.editor import Editor
from search_space.ir.elementwise import DATA_OPERANDS
from search_space.ir.graph import CONST, INPUT, MOVE, Node, Step, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.composition import compose

#: Operators that Vela fuses into the operation before them.
ACTIVATIONS = ("CLAMP", "TABLE")

#: Operators that Vela compiles in the shape that they have in the program, the batch folded as that of an activation.
#: A RESCALE is one, or is fused into the operation that computes its operand.
_IN_THEIR_SHAPE = frozenset((*DATA_OPERANDS, "CONCAT", "GATHER", "PAD", "REVERSE", "SCATTER", "SLICE", "TILE"))

#: Dimensions that one operation of the NPU has.
_DIMENSIONS = 3


def has_batch(shape: Shape) -> bool:
    """Whether a shape has more dimensions larger than 1 than one operation of the NPU takes."""
    return prod(shape[:-_DIMENSIONS]) > 1


def imposes_shape(edit: Editor, node: Node, operand: int, shape: Shape) -> bool:
    """Whether a node would be an activation that gives a wrong shape to the operation before it.

    The answer may be True for one that happens to give the right shape.

    Args:
        edit: the graph under change.
        node: the operator.
        operand: id of its operand.
        shape: shape of its result.

    Returns:
        True if it would.
    """
    return node.op in ACTIVATIONS and has_batch(shape) and _follows_another_shape(edit, operand, shape)


def activations_without_batch(edit: Editor) -> None:
    """Rewrite every activation that would give a wrong shape to the operation before it, as one of [1,N*H*W,C]."""
    for node_id in [i for i, node in edit.nodes.items() if node.op in ACTIVATIONS]:
        node = edit[node_id]
        if imposes_shape(edit, node, node.inputs[0], node.type.shape):
            _without_batch(edit, node_id)


def _follows_another_shape(edit: Editor, operand: int, shape: Shape) -> bool:
    """Whether one operation, which may be of another shape, computes the operand for this reader alone."""
    reshaped = edit[operand].type.shape != shape
    while edit.used_once(operand):
        node = edit[operand]
        if node.op == MOVE and node.layout_map.keeps_order:
            reshaped = True
        elif node.op != "RESCALE":
            return node.op not in (INPUT, CONST) and (reshaped or node.op not in _IN_THEIR_SHAPE)
        elif reshaped:
            return True
        operand = node.inputs[0]
    return False


def _without_batch(edit: Editor, node_id: int) -> None:
    node = edit[node_id]
    shape = node.type.shape
    rows = (1, prod(shape[:-1]), shape[-1])
    flat = replace(node, inputs=(_reshaped(edit, node.inputs[0], rows), *node.inputs[1:]))
    flat_id = edit.add(replace(flat, type=TensorType(rows, node.type.dtype)))
    back = Step("reshape", shape)
    edit.redefine(node_id, move(flat_id, edit[flat_id].type, (back,), node.name))
    for reader_id in dict.fromkeys(edit.users(node_id)):
        reader = edit[reader_id]
        if reader.op != MOVE or reader.layout_map.keeps_order:
            compose(edit, reader_id)
        elif LayoutMap.reshape(rows, shape).then(reader.layout_map) is not None:
            steps = reader.steps if reader.steps[0].kind == "reshape" else (back, *reader.steps)
            edit.redefine(reader_id, move(flat_id, edit[flat_id].type, steps, reader.name))


def _reshaped(edit: Editor, value: int, shape: Shape) -> int:
    """The id of the value in another shape. If it is a layout transform, it keeps its transposes."""
    node, last = edit[value], Step("reshape", shape)
    if node.op != MOVE or node.layout_map.then(LayoutMap.reshape(node.type.shape, shape)) is None:
        return edit.add(move(value, node.type, (last,), node.name))
    source = edit[node.inputs[0]].type
    steps = node.steps[:-1] if node.steps[-1].kind == "reshape" else node.steps
    if not steps and source.shape == shape:
        return node.inputs[0]
    return edit.add(move(node.inputs[0], source, (*steps, last), node.name))
