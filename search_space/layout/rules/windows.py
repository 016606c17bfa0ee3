"""Operators with windows over height and width: pooling, RESIZE, convolutions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from search_space.analysis.kernels import pointwise
from search_space.ir.editor import Editor
from search_space.ir.graph import Node
from search_space.layout.constants import permuted_constant, swapped_constant
from search_space.layout.rules.base import Carried, PropagationRule

_HEIGHT, _WIDTH, _CHANNELS = 1, 2, 3


class Window(PropagationRule):
    """window(map(x)) = map(window'(x)) if the map leaves height and width in place or exchanges them. The window is
    exchanged likewise. Batch and channels are alike to it. Source: TOSA 1.0, AVG_POOL2D, MAX_POOL2D, RESIZE.
    """

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return (_HEIGHT, _WIDTH)

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        turned = _turned(carried)
        if turned is None:
            return None
        return replace(node, attributes=swapped_attributes(node.attributes)) if turned else node


class DepthwiseWindow(Window):
    """Weights, bias and channel follow each other. Source: TOSA 1.0, DEPTHWISE_CONV2D; weights are [KH,KW,C,M]."""

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        turned, back = _turned(carried), carried.result.inverse.channels
        parameters = node.inputs[1:3]
        if turned is None or back is None or not all(map(edit.is_constant, parameters)):
            return None
        if edit[parameters[0]].type.shape[_CHANNELS] != 1:  # several results for a channel
            return None
        weights = permuted_constant(edit, parameters[0], 2, back)
        if turned:
            weights = swapped_constant(edit, weights, 0)
        bias = permuted_constant(edit, parameters[1], 0, back)
        attributes = swapped_attributes(node.attributes) if turned else node.attributes
        return replace(node, inputs=(node.inputs[0], weights, bias, *node.inputs[3:]), attributes=attributes)


class Convolution(PropagationRule):
    """conv(map(x)) = map(conv'(x)) if the map leaves the channels last and exchanges height and width. The weights then
    do so, too. With a window of one pixel it holds wherever the map puts pixels and batches. A map that only reshapes
    stays where it is. Source: TOSA 1.0, CONV2D; weights are [OC,KH,KW,IC]."""

    def dimensions(self, edit: Editor, node: Node) -> Collection[int]:
        return (_CHANNELS,) if pointwise(edit, node) else (_HEIGHT, _WIDTH, _CHANNELS)

    def adapted(self, edit: Editor, node: Node, carried: Carried) -> Node | None:
        result, weights = carried.result, node.inputs[1]
        if result.keeps_order or len(result.in_shape) != _CHANNELS + 1 or carried.where.get(_CHANNELS) != _CHANNELS:
            return None
        if pointwise(edit, node):
            return node
        if not _turned(carried) or not edit.is_constant(weights) or edit[weights].type.dtype == "INT4":
            return None
        inputs = (node.inputs[0], swapped_constant(edit, weights, 1), *node.inputs[2:])
        return replace(node, inputs=inputs, attributes=swapped_attributes(node.attributes))


def swapped_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of an operator with a window, with height and width exchanged."""
    pairs = {"kernel": 1, "stride": 1, "dilation": 1, "offset": 1, "border": 1, "pad": 2, "scale": 2}
    return {
        name: value[pairs[name] :] + value[: pairs[name]] if name in pairs else value
        for name, value in attributes.items()
    }


def _turned(carried: Carried) -> bool | None:
    """Whether height and width change places; None if one of them goes elsewhere."""
    if len(carried.result.in_shape) != _CHANNELS + 1:
        return None
    places = carried.where[_HEIGHT], carried.where[_WIDTH]
    return {(_HEIGHT, _WIDTH): False, (_WIDTH, _HEIGHT): True}.get(places)


_WINDOW = Window()
RULES: dict[str, PropagationRule] = {
    "AVG_POOL2D": _WINDOW, "CONV2D": Convolution(), "DEPTHWISE_CONV2D": DepthwiseWindow(), "MAX_POOL2D": _WINDOW,
    "RESIZE": _WINDOW,
}  # fmt: skip
