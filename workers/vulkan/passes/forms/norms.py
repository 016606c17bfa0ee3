"""What rewrites of normalisations have in common: where their weights stand, and what ExecuTorch folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.vulkan.passes.editing import constant

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

_ROWS_AND_CHANNELS = 2


def weights_at(node: Node) -> tuple[int, int] | None:
    """Find the weights and the bias of a normalisation.

    Args:
        node: a call of an operator.

    Returns:
        Their places among its arguments; None for other operators, and for batch norms in training.
    """
    import torch

    aten = torch.ops.aten
    if node.target in (aten.layer_norm.default, aten.group_norm.default):
        return 2, 3
    return (1, 2) if is_batch_norm(node) else None


def is_batch_norm(node: Any) -> bool:
    """Whether a node normalises by statistics that are given."""
    import torch

    return getattr(node, "target", None) == torch.ops.aten.batch_norm.default and node.args[5] is False


def is_group_norm(node: Node) -> bool:
    """Whether a node normalises groups of channels."""
    import torch

    return node.target == torch.ops.aten.group_norm.default


def lacks_weights(node: Node) -> bool:
    """Whether a node is a normalisation without weights, or without a bias."""
    places = weights_at(node)
    return places is not None and any(_at(node, place) is None for place in places)


def is_folded(node: Node) -> bool:
    """Whether a batch norm alone reads a convolution or a linear layer, which ExecuTorch then folds it into."""
    import torch

    aten = torch.ops.aten
    convolutions = (
        aten.conv1d.default, aten.conv2d.default, aten.conv3d.default, aten.conv_transpose1d.default,
        aten.conv_transpose2d.input, aten.convolution.default, aten.conv1d.padding, aten.conv2d.padding,
    )  # fmt: skip
    producer: Any = node.args[0]
    is_convolution = getattr(producer, "target", None) in convolutions and len(producer.users) == 1
    return is_batch_norm(node) and (is_convolution or linear_before(node) is not None)


def linear_before(node: Node) -> tuple[Any, Any, Any] | None:
    """Find the linear layer of rows that a batch norm alone reads.

    Args:
        node: a batch norm, as it is exported or decomposed.

    Returns:
        What the layer reads, the node of its weights, and that of its bias or None. None for another producer and for
        computed weights. None for more than two dimensions: channels are then not what the layer computes last.
    """
    import torch

    aten = torch.ops.aten
    layer: Any = node.args[0]
    if getattr(layer, "op", "") != "call_function" or len(layer.users) != 1 or layer.kwargs:
        return None
    if "val" not in layer.meta or layer.meta["val"].ndim != _ROWS_AND_CHANNELS:
        return None
    if layer.target == aten.linear.default:
        operand, weights, bias = (*layer.args, None)[:3]
    elif layer.target in (aten.mm.default, aten.addmm.default):
        bias = layer.args[0] if layer.target == aten.addmm.default else None
        operand, turned = layer.args[-2:]
        turn: Any = (getattr(turned, "target", None), *getattr(turned, "args", ())[1:])
        weights = turned.args[0] if turn in ((aten.t.default,), (aten.permute.default, [1, 0])) else None
    else:
        return None
    constants = [weights] if bias is None else [weights, bias]
    return (operand, weights, bias) if all(getattr(one, "op", "") == "get_attr" for one in constants) else None


def fill_weights(module: GraphModule, node: Node) -> None:
    """Give a normalisation ones for weights and zeros for a bias, where it has none.

    Args:
        module: that the node is of.
        node: a normalisation; its arguments are changed.
    """
    import torch

    places = weights_at(node)
    assert places is not None
    operand: Any = node.args[0]
    value = operand.meta["val"]
    # Layer norms name the shape that they run over; the others have a weight for each channel.
    shape: Any = node.args[1] if node.target == torch.ops.aten.layer_norm.default else [int(value.shape[1])]
    arguments = [*node.args, *[None] * (max(places) + 1 - len(node.args))]
    with module.graph.inserting_before(node):
        for place, make, wish in zip(places, (torch.ones, torch.zeros), ("norm_weight", "norm_bias"), strict=True):
            if arguments[place] is None:
                arguments[place] = constant(module, make(list(shape), dtype=value.dtype), wish)
    node.args = tuple(arguments)


def _at(node: Node, place: int) -> Any:
    return node.args[place] if len(node.args) > place else None
