"""The layers of an exported model, by the numbers that recipes give them (see
`search_space.choices.frontend.precision`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workers.models.exported.module_of import module_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Passes keep what is in this entry of a node's meta: it is where torch lets users put things of their own.
_CUSTOM, _KEY = "custom", "velatune_layer"


@dataclass(frozen=True)
class Layer:
    """An operator with weights.

    Attributes:
        number: from 1.
        name: of the module in the user's model that has the operator with weights, or the operator's.
        weights: how many there are.
    """

    number: int
    name: str
    weights: int


def number_layers(module: GraphModule) -> tuple[Layer, ...]:
    """The layers of a model; every operator is marked with the number of its own.

    What comes before the first operator with weights belongs to the first layer. An input belongs to the layer that
    reads it first. Operators in branches and loops are in no layer.
    """
    layers: list[Layer] = []
    for node in module.graph.nodes:
        if node.op != "call_function":
            continue
        if _has_weights(node):
            layers.append(Layer(len(layers) + 1, module_of(node), node.args[1].meta["val"].numel()))
        _mark(node, max(1, len(layers)))
    for node in module.graph.find_nodes(op="placeholder"):
        _mark(node, min((reader for reader in map(layer_of, node.users) if reader), default=1))
    return tuple(layers)


def _mark(node: Node, number: int) -> None:
    node.meta[_CUSTOM] = {**node.meta.get(_CUSTOM, {}), _KEY: number}


def layer_of(node: Node) -> int | None:
    """The number of the layer that an operator or input was marked with."""
    number: int | None = node.meta.get(_CUSTOM, {}).get(_KEY)
    return number


def _has_weights(node: Node) -> bool:
    """As ExecuTorch's quantiser sees it: parameters are quantised as weights where these operators read them."""
    from executorch.backends.arm.quantizer.arm_quantizer_utils import PatternQuantizer

    weights: Any = node.args[1] if len(node.args) > 1 else None
    return node.target in PatternQuantizer.PARAMETER_TARGETS and getattr(weights, "op", "") == "get_attr"
