"""Batches of matrix products as single products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from search_space.building.fused_rescale import rescale_of
from search_space.choices.convolution.channels.slice_conv_channels import SliceConvChannels
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, Step, TensorType, move
from search_space.ir.layout_map import LayoutMap, Shape
from search_space.layout.emission import plan
from search_space.layout.propagation import Conditions, sink
from search_space.layout.rules.slices import RULES
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Joint:
    """How the products are joined.

    Attributes:
        value: id of the joined value.
        each: the map of each product to what is joined.
        axis: the axis along which they are joined.
    """

    value: int
    each: LayoutMap
    axis: int


@dataclass(frozen=True)
class SplitBatchMatmul(Pass):
    """Splits a batch of matrix products into single ones.

    Source: TOSA 1.0, MATMUL: there is no sum across the batch. The heads of attention are a batch. They are transposed
    apart before the products and together again after them. As single products they are neighbouring channels, which
    are sliced and joined in place. On Ethos-U85, Vela 5.1 also transposes the second operand of a single product for
    free. On U55 the products of single heads cost more.

    Heads of a projection that nothing else reads are also computed separately (`slice-conv-channels`).

    The RESCALE of a product stays with it, since Vela fuses the two.
    """

    name: ClassVar[str] = "split-batch-matmul"
    law: ClassVar[str] = "a batch of matrix products is each of them, joined along the batch"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        product = edit[node_id]
        if product.op != "MATMUL" or product.type.shape[0] == 1:
            return False
        rescale = rescale_of(edit, node_id)
        last = node_id if rescale is None else rescale
        joint = _joint(edit, last)
        sources = dict.fromkeys(_source(edit, i) for i in product.inputs[:2])
        dtype, inputs = edit[last].type.dtype, edit[last].inputs
        parts = []
        for head in range(product.type.shape[0]):
            operands = (_entry(edit, i, head) for i in product.inputs[:2])
            alone = TensorType((1, *product.type.shape[1:]), product.type.dtype)
            part = edit.add(replace(product, inputs=(*operands, *product.inputs[2:]), type=alone))
            if last != node_id:
                alone = TensorType(alone.shape, dtype)
                part = edit.add(replace(edit[last], inputs=(part, *inputs[1:]), type=alone))
            steps = plan(joint.each)
            parts.append(edit.add(move(part, alone, steps)) if steps else part)
        shape = joint.each.out_shape
        whole = (*shape[: joint.axis], shape[joint.axis] * len(parts), *shape[joint.axis + 1 :])
        joined = Node("CONCAT", tuple(parts), TensorType(whole, dtype), {"axis": joint.axis}, name=edit[last].name)
        after = edit[joint.value].type.shape
        back = (Step("reshape", after),)
        edit.redefine(joint.value, joined if whole == after else move(edit.add(joined), joined.type, back, joined.name))
        for source in sources:
            if source in edit:
                SliceConvChannels().rewrite(edit, source)
        return True


def _joint(edit: Editor, value: int) -> Joint:
    """Joined as they are read, if that is with the products side by side in one dimension; otherwise as a batch."""
    shape = edit[value].type.shape
    if edit.used_once(value):
        reader = edit.users(value)[0]
        node = edit[reader]
        if node.op == MOVE and not node.layout_map.keeps_order:
            found = _side_by_side(node.layout_map, shape)
            if found is not None:
                return Joint(reader, *found)
    # Vela joins in place what has four dimensions.
    return Joint(value, LayoutMap.reshape((1, *shape[1:]), (1, 1, *shape[1:])), 1)


def _side_by_side(layout: LayoutMap, shape: Shape) -> tuple[LayoutMap, int] | None:
    """Of a map of all products, the map of each and the dimension along which they are joined."""
    pieces = layout.pieces
    if pieces is None or len(pieces.of_inputs[0]) != 1:
        return None
    (batch,) = pieces.of_inputs[0]
    for axis, group in enumerate(pieces.of_outputs):
        if group and group[0] == batch:
            sizes = tuple(1 if atom == batch else size for atom, size in enumerate(pieces.atoms))
            order = tuple(atom for one in pieces.of_outputs for atom in one)
            out = [*layout.out_shape]
            out[axis] //= shape[0]
            if axis == len(out) - 1:
                # In place for Vela, again.
                out, axis = [1, 1, prod(out[:-1]), out[-1]], 3
            return LayoutMap.of((1, *shape[1:]), tuple(out), sizes, order), axis
    return None


def _source(edit: Editor, operand: int) -> int:
    """The value that is transformed to be the operand."""
    return edit[operand].inputs[0] if edit[operand].op == MOVE else operand


def _entry(edit: Editor, operand: int, at: int) -> int:
    """One matrix of a batch; of one that is moved for it, sliced out before that."""
    node = edit[operand]
    size = (1, *node.type.shape[1:])
    attributes = {"start": (at, 0, 0), "size": size}
    entry = edit.add(Node("SLICE", (operand,), TensorType(size, node.type.dtype), attributes, name=node.name))
    if node.op == MOVE and not node.layout_map.keeps_order:
        sink(edit, entry, RULES, Conditions(shared=True))
    return entry
