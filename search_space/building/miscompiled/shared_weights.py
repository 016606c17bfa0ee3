"""A fact about Vela 5.1.0 and 5.2.0: convolutions with equal weights can share biases and zero points.

Vela keeps encoded weights. It finds them again by the weights' bytes and shape, and by their encoding
(`TensorCacheKey` in regor's compiler/scheduler.hpp). The zero point of the weights, which it subtracts while it
encodes, is not part of that. So all such convolutions get the zero point of the first one.

Scales and biases are encoded together. Where the scales are those of the first convolution, Vela takes its biases too
(`EncodeWeightAndScaleTensor` in compiler/scheduler.cpp). The scales are those of the RESCALE that is fused, one or as
many as there are channels. One scale and as many equal ones are not taken for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from search_space.analysis.uniform_constant import uniform_value
from search_space.building.fused_rescale import rescale_of
from search_space.building.miscompiled.fused_scales import fused_scales
from search_space.ir.editor import Editor
from search_space.ir.graph import MOVE, Node, constant

#: Vela reverses the weights of a TRANSPOSE_CONV2D, each time into new ones.
_CONVOLUTIONS = ("CONV2D", "DEPTHWISE_CONV2D")

#: Places of operands. Source: TOSA 1.0.
_WEIGHTS, _BIAS, _ZERO_POINT = 1, 2, 4

_LOW, _HIGH = -128, 127


def sharing(edit: Editor, node_id: int) -> list[int]:
    """Find the convolutions that get what belongs to another one, or give it what belongs to them.

    Args:
        edit: the graph under change.
        node_id: id of any node.

    Returns:
        Ids of other convolutions; none if the node is no convolution.
    """
    if edit[node_id].op not in _CONVOLUTIONS:
        return []
    weights = _bytes(edit, node_id, _WEIGHTS)
    others = [i for i in _of_same_shape(edit, node_id) if _bytes(edit, i, _WEIGHTS) == weights]
    if not others:
        return []
    encoded = _encoded(edit, node_id)
    return [i for i in others if _encoded(edit, i).is_mistaken_for(encoded)]


def separate(edit: Editor, node_id: int) -> bool:
    """Write a convolution so that it shares nothing that does not belong to it. Its results stay the same.

    One scale becomes an equal one for each channel, or the other way round. This has Vela encode the biases apart.
    Int8 weights and their zero point become larger or smaller by the same number. This has it encode both apart, and
    store the weights twice. Scales are tried first.

    Args:
        edit: the graph under change.
        node_id: id of any node.

    Returns:
        True if the convolution was mistaken for another one, and is no more. It stays if no way is left. Then its
        weights fill the range of int8. Its scales differ from channel to channel, or other convolutions have them.
    """
    if not sharing(edit, node_id):
        return False
    others = [_encoded(edit, i) for i in _of_same_shape(edit, node_id)]
    encoded = _encoded(edit, node_id)
    scales = [encoded.scales, *_other_scales(edit, node_id)]
    for by in _movements(edit, node_id):
        for written in scales:
            other = replace(encoded.moved(by), scales=written)
            if not any(other.is_mistaken_for(one) for one in others):
                _write(edit, node_id, by, len(written) if written != encoded.scales else 0)
                return True
    return False


@dataclass(frozen=True)
class _Encoded:
    """What Vela encodes of a convolution.

    weights, zero_point, bias: bytes of these operands; None if they are no constants. scales: multiplier and shift
    for each channel or for all, none if no RESCALE is fused.
    """

    weights: bytes | None
    zero_point: bytes | None
    bias: bytes | None
    scales: tuple[tuple[int, int], ...]

    def is_mistaken_for(self, other: _Encoded) -> bool:
        """Whether one of the two gets what belongs to the other."""
        if self.weights is None or self.weights != other.weights:
            return False
        return self.zero_point != other.zero_point or (self.bias != other.bias and self.scales == other.scales)

    def moved(self, by: int) -> _Encoded:
        """With larger weights and a larger zero point. by: 0, or any number if both are int8."""
        if not by:
            return self
        return replace(self, weights=_sum(self.weights, by), zero_point=_sum(self.zero_point, by))


def _sum(values: bytes | None, by: int) -> bytes:
    return (np.frombuffer(values or b"", np.int8) + np.int8(by)).tobytes()


def _encoded(edit: Editor, node_id: int) -> _Encoded:
    weights, zero_point, bias = (_bytes(edit, node_id, place) for place in (_WEIGHTS, _ZERO_POINT, _BIAS))
    return _Encoded(weights, zero_point, bias, _scales(edit, node_id))


def _of_same_shape(edit: Editor, node_id: int) -> Iterator[int]:
    """Other convolutions of the same kind with weights of the same shape."""
    op, shape = edit[node_id].op, edit[edit[node_id].inputs[_WEIGHTS]].type
    for other_id, other in edit.nodes.items():
        if other.op == op and other_id != node_id and edit[other.inputs[_WEIGHTS]].type == shape:
            yield other_id


def _bytes(edit: Editor, node_id: int, place: int) -> bytes | None:
    """Those of an operand, movements aside: Vela does these when it compiles."""
    value = edit[node_id].inputs[place]
    while edit[value].op == MOVE:
        value = edit[value].inputs[0]
    return edit[value].payload if edit.is_constant(value) else None


def _scales(edit: Editor, node_id: int) -> tuple[tuple[int, int], ...]:
    """Those that Vela fuses to a convolution."""
    while edit.used_once(node_id):
        (node_id,) = edit.users(node_id)
        if edit[node_id].op == "RESCALE":
            return tuple(fused_scales(edit, edit[node_id]))
        if edit[node_id].op != MOVE:
            break
    return ()


def _other_scales(edit: Editor, node_id: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """The scales in the other form, if they have one."""
    rescale_id = rescale_of(edit, node_id)
    if rescale_id is None:
        return
    rescale = edit[rescale_id]
    if all(uniform_value(edit, i) is not None for i in rescale.inputs[1:3]):
        count = 1 if rescale.attributes["per_channel"] else rescale.type.shape[-1]
        yield tuple(fused_scales(edit, rescale)[:1]) * count


def _movements(edit: Editor, node_id: int) -> list[int]:
    """By how much weights and their zero point can be larger, the smallest first."""
    node = edit[node_id]
    weights, zero_point = (edit[node.inputs[place]] for place in (_WEIGHTS, _ZERO_POINT))
    constants = edit.is_constant(node.inputs[_WEIGHTS]) and edit.is_constant(node.inputs[_ZERO_POINT])
    if not constants or weights.type.dtype != "INT8" or not weights.type.elements:
        return [0]
    values = np.append(weights.array, zero_point.array).astype(int)
    return sorted(range(_LOW - int(values.min()), _HIGH - int(values.max()) + 1), key=lambda by: (abs(by), by))


def _write(edit: Editor, node_id: int, by: int, scales: int) -> None:
    """scales: the new number of scales; 0 leaves them."""
    rescale_id = rescale_of(edit, node_id)
    if scales and rescale_id is not None:
        rescale = edit[rescale_id]
        multiplier, shift = (
            edit.add(constant(np.full(scales, edit[i].array.ravel()[0]), edit[i].type.dtype))
            for i in rescale.inputs[1:3]
        )
        attributes = {**rescale.attributes, "per_channel": not rescale.attributes["per_channel"]}
        inputs = (rescale.inputs[0], multiplier, shift, *rescale.inputs[3:])
        edit.redefine(rescale_id, replace(rescale, inputs=inputs, attributes=attributes))
    if by:
        node = edit[node_id]
        moved = {place: edit.add(_moved(edit[node.inputs[place]], by)) for place in (_WEIGHTS, _ZERO_POINT)}
        edit.redefine(node_id, node.reading(tuple(moved.get(at, value) for at, value in enumerate(node.inputs))))


def _moved(node: Node, by: int) -> Node:
    return constant(node.array + np.int8(by), name=node.name)
