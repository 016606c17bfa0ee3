"""The layers of an exported model, by the numbers that recipes give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workers.models.exported.module_of import module_of
from workers.vulkan.model.marks import LAYER, mark, noted

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

LINEAR = "linear"


@dataclass(frozen=True)
class Layer:
    """An operator with weights and what follows it up to the next one.

    Attributes:
        number: from 1, in the order of the exported program.
        name: of the module in the user's model that has the operator with weights, or the operator's.
        kind: of the operator, as `linear` or `conv2d`.
        shape: of its weights, output channels first, except for transposed convolutions.
        inputs: shape of what it reads.
        computes_weights: that the model computes its weights, from constants or from inputs.
    """

    number: int
    name: str
    kind: str
    shape: tuple[int, ...]
    inputs: tuple[int, ...]
    computes_weights: bool = False

    @property
    def rows(self) -> int:
        """Of a linear layer: how many it computes in a batch."""
        return self.inputs[-2] if len(self.inputs) > 1 else 1

    @property
    def batch(self) -> int:
        """Of a linear layer: the product of the extents before rows and channels."""
        count = 1
        for extent in self.inputs[:-2]:
            count *= extent
        return count

    @property
    def weights(self) -> int:
        """How many weights there are."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count


def number_layers(module: GraphModule) -> tuple[Layer, ...]:
    """The layers of a model.

    Every operator is marked with the number of its own, and loses older marks.

    What comes before the first operator with weights belongs to the first layer. An input belongs to the layer that
    reads it first.
    """
    layers: list[Layer] = []
    for node in module.graph.nodes:
        if node.op != "call_function":
            continue
        kind = weighted_kind(node)
        computed = "" if kind else _kind_of_computed(node)
        if kind or computed:
            inputs, shape = (tuple(int(extent) for extent in _shape(node.args[place])) for place in (0, 1))
            layers.append(
                Layer(len(layers) + 1, module_of(node), kind or computed, shape, inputs, computes_weights=not kind)
            )
        mark(node, LAYER, max(1, len(layers)))
    for node in module.graph.find_nodes(op="placeholder"):
        mark(node, LAYER, min((reader for reader in map(layer_of, node.users) if reader), default=1))
    return tuple(layers)


def layer_of(node: Node) -> int | None:
    """The number of the layer that an operator or input was marked with."""
    number: int | None = noted(node, LAYER)
    return number


def weighted_kind(node: Node) -> str:
    """`linear`, `conv2d` and so on where an exported operator reads a parameter as its weights; else nothing."""
    return _kind(node) if getattr(_weights(node), "op", "") == "get_attr" else ""


def _kind_of_computed(node: Node) -> str:
    """The same where it reads weights that the model computes. Weights that are dequantised do not count."""
    weights = _weights(node)
    plain = getattr(weights, "op", "") == "call_function" and getattr(weights.target, "namespace", "") == "aten"
    return _kind(node) if plain else ""


def _weights(node: Node) -> Any:
    return node.args[1] if len(node.args) > 1 else None


def _kind(node: Node) -> str:
    import torch

    aten = torch.ops.aten
    kinds: dict[Any, str] = {
        aten.linear.default: LINEAR,
        aten.conv1d.default: "conv1d",
        aten.conv2d.default: "conv2d",
        aten.conv3d.default: "conv3d",
        aten.conv_transpose1d.default: "conv_transpose1d",
        aten.conv_transpose2d.input: "conv_transpose2d",
        aten.convolution.default: "convolution",
    }
    return kinds.get(node.target, "")


def _shape(operand: Any) -> Any:
    return operand.meta["val"].shape
