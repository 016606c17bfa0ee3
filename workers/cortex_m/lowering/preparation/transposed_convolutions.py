"""Transposed convolutions of a model that ExecuTorch's quantiser does not know, as ones that it knows.

It knows those of images, without groups and output paddings, and without gaps in the kernel. Others stay in float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from workers.cortex_m.passes.calls import call, value_of

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

_KINDS: dict[Any, int] = {torch.ops.aten.conv_transpose1d.default: 1, torch.ops.aten.conv_transpose2d.input: 2}

#: Of more groups, products with zeros take more instructions than the portable kernel of floats.
_MOST_GROUPS = 32

_NORM = torch.ops.aten.batch_norm.default

#: ExecuTorch quantises a convolution and one of these after it as one operator.
_ACTIVATIONS = frozenset(
    {
        torch.ops.aten.relu.default,
        torch.ops.aten.relu_.default,
        torch.ops.aten.hardtanh.default,
        torch.ops.aten.hardtanh_.default,
        torch.ops.aten.hardsigmoid.default,
        torch.ops.aten.hardsigmoid_.default,
        torch.ops.aten.clamp.default,
        torch.ops.aten.clamp_.default,
    }
)


def known_transposed_convolutions(module: GraphModule) -> None:
    """Change the transposed convolutions of an exported model before it is quantised.

    Args:
        module: of PyTorch's operators. Convolutions of many groups, and of values without a batch, stay as they are. So
            do those whose weights are computed.
    """
    for node in [one for one in module.graph.nodes if one.target in _KINDS]:
        layer = _Layer(node)
        if layer.is_taken:
            _replace(module, node, layer)
            _drop_unread(module, layer.weight)
    module.recompile()


class _Layer:
    """What a transposed convolution is called with, a value for each axis of an image.

    Rows are images of height 1, as ExecuTorch takes them: the kernel computes four values of a row at once.
    """

    def __init__(self, node: Node) -> None:
        self.axes = _KINDS[node.target]
        defaults: tuple[Any, ...] = (None, 1, 0, 0, 1, 1)
        self.image, self.weight, *given = list[Any](node.args)
        bias, stride, padding, output_padding, groups, dilation = (*given, *defaults[len(given) :])
        self.bias, self.groups = bias, groups
        self.stride, self.padding = self._of_image(stride, 1), self._of_image(padding, 0)
        self.output_padding, self.dilation = self._of_image(output_padding, 0), self._of_image(dilation, 1)
        known = self.axes == 2 and groups == 1 and not any(self.output_padding) and self.dilation == [1, 1]
        batched = node.meta["val"].dim() == self.axes + 2
        self.is_taken = groups <= _MOST_GROUPS and batched and self.weight.op == "get_attr" and not known

    def _of_image(self, given: Any, neutral: int) -> list[int]:
        values = list(given) if isinstance(given, list | tuple) else [given]
        values = values * self.axes if len(values) < self.axes else values
        return [neutral] * (2 - len(values)) + values

    @property
    def appended(self) -> list[int]:
        """Zeros after the kernel, where the output is padded by more than is cut off."""
        return [max(0, more - less) for more, less in zip(self.output_padding, self.padding, strict=True)]

    @property
    def cut(self) -> list[int]:
        """Values to leave out at the beginning of the result, when as many fewer are cut off at both ends."""
        return [more - zeros for more, zeros in zip(self.output_padding, self.appended, strict=True)]

    def kernel(self, weight: torch.Tensor) -> torch.Tensor:
        """The weights of an image's convolution of all channels, without gaps."""
        if self.axes == 1:
            weight = weight.unsqueeze(2)
        *channels, height, width = weight.shape
        down, along = self.dilation
        size = [(height - 1) * down + 1 + self.appended[0], (width - 1) * along + 1 + self.appended[1]]
        wide = weight.new_zeros((*channels, *size))
        wide[:, :, : (height - 1) * down + 1 : down, : (width - 1) * along + 1 : along] = weight
        return torch.cat(
            [
                torch.nn.functional.pad(
                    one, (0, 0, 0, 0, number * channels[1], (self.groups - 1 - number) * channels[1])
                )
                for number, one in enumerate(wide.chunk(self.groups))
            ]
        )


def _replace(module: GraphModule, node: Node, layer: _Layer) -> None:
    graph = module.graph
    with graph.inserting_before(node):
        weight: Any = _new_weight(module, node, layer.kernel(_attribute(module, layer.weight.target)))
        image = layer.image
        if layer.axes == 1:
            image = call(node, torch.ops.aten.unsqueeze.default, image, 2)
        padding = [one - cut for one, cut in zip(layer.padding, layer.cut, strict=True)]
        args = (image, weight, layer.bias, layer.stride, padding)
        result = call(node, torch.ops.aten.conv_transpose2d.input, *args)
    node.replace_all_uses_with(result)
    graph.erase_node(node)
    _finish(module, result, layer)


def _finish(module: GraphModule, result: Node, layer: _Layer) -> None:
    """Give a convolution's result its shape after what is quantised with it, which does not depend on the shape."""
    last = result
    for kinds in ({_NORM}, _ACTIVATIONS):
        users = list(last.users)
        if len(users) == 1 and users[0].target in kinds and users[0].args[0] is last:
            last = users[0]
            last.meta["val"] = value_of(last)
    users, shaped = list(last.users), last
    with module.graph.inserting_after(last):
        for axis, cut in enumerate(layer.cut, start=2):
            if cut:
                shaped = _after(module, shaped, torch.ops.aten.slice.Tensor, axis, cut, shaped.meta["val"].shape[axis])
        if layer.axes == 1:
            shaped = _after(module, shaped, torch.ops.aten.squeeze.dim, 2)
    for user in users:
        user.replace_input_with(last, shaped)


def _attribute(module: GraphModule, name: Any) -> Any:
    path, _, last = str(name).rpartition(".")
    return getattr(module.get_submodule(path), last).detach()


def _new_weight(module: GraphModule, node: Node, value: torch.Tensor) -> Node:
    """A parameter of the module, before a node."""
    name = f"{node.name}_kernel"
    module.register_parameter(name, nn.Parameter(value, requires_grad=False))
    made = module.graph.get_attr(name)
    made.meta["val"] = node.meta["val"].fake_mode.from_tensor(value, static_shapes=True)
    return made


def _drop_unread(module: GraphModule, weight: Node) -> None:
    """Take a parameter that nothing reads out of the module, or the file would hold it."""
    if weight.users:
        return
    module.graph.erase_node(weight)
    if all(node.target != weight.target for node in module.graph.nodes if node.op == "get_attr"):
        path, _, last = str(weight.target).rpartition(".")
        delattr(module.get_submodule(path), last)


def _after(module: GraphModule, node: Node, target: Any, *args: Any) -> Node:
    with module.graph.inserting_after(node):
        return call(node, target, node, *args)
