"""The convolutions of a graph, with what rules ask of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workers.vulkan.lowering.graph.vk_graph import Call, Graph, Tensor
from workers.vulkan.target import DEPTHWISE_SHADERS

FLOAT = ("aten.convolution.default", "et_vk.conv_with_clamp.default")
INT8 = (
    "et_vk.q8ta_conv2d.default",
    "et_vk.q8ta_conv2d_dw.default",
    "et_vk.q8ta_conv2d_pw.default",
    "et_vk.q8ta_conv2d_transposed.default",
)

#: Where `q8ta_conv2d` and its transposed form have their groups.
_INT8_GROUPS = {"et_vk.q8ta_conv2d.default": 13, "et_vk.q8ta_conv2d_transposed.default": 14}


@dataclass(frozen=True)
class FloatConvolution:
    """A convolution of floats.

    Attributes:
        call: the operator.
        kernel: extents of the filter, without channels.
        stride, padding, dilation: as the model has them.
        transposed: whether it is a transposed one.
        groups: in which channels are convolved apart.
    """

    call: Call
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    groups: int

    @property
    def input(self) -> Tensor:
        """What it reads."""
        return self.call.tensors[0]

    @property
    def inputs_in_group(self) -> int:
        """Input channels of a group."""
        return self.input.shape[1] // self.groups

    @property
    def outputs_in_group(self) -> int:
        """Output channels of a group."""
        return self.call.results[0].shape[1] // self.groups

    @property
    def is_depthwise(self) -> bool:
        """Whether a channel of the output reads one of the input, and no two read the same."""
        return self.inputs_in_group == 1 and self.outputs_in_group == 1


def float_convolutions(graph: Graph) -> Iterator[FloatConvolution]:
    """Those of a delegate, in order."""
    for call in graph.calls:
        if call.name in FLOAT:
            weights, transposed, groups = (call.arguments[place] for place in (1, 6, 8))
            stride, padding, dilation = (tuple(call.arguments[place]) for place in (3, 4, 5))
            yield FloatConvolution(call, weights.shape[2:], stride, padding, dilation, bool(transposed), int(groups))


def with_the_shared_shader(graph: Graph) -> Iterator[FloatConvolution]:
    """Depthwise convolutions of images whose filters have no shader of their own, in order."""
    for one in float_convolutions(graph):
        if len(one.kernel) > 1 and one.is_depthwise and not one.transposed and one.kernel not in DEPTHWISE_SHADERS:
            yield one


def int8_groups(call: Call) -> int:
    """Groups of an int8 convolution that is not depthwise; 1 for other operators."""
    place = _INT8_GROUPS.get(call.name)
    return 1 if place is None else int(call.arguments[place])
