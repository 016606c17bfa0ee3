"""Depthwise convolutions whose padding is an operator of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing
from workers.vulkan.target import DEPTHWISE_SHADERS

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Axes of images with a batch.
_AXES = 4
#: Bias, stride, padding, dilation and groups.
_DEFAULTS = (None, [1, 1], [0, 0], [1, 1], 1)


@dataclass(frozen=True)
class PadDepthwiseApart(ModuleRewrite):
    """Filters other than 3 by 3 and 5 by 5 come out wrong beyond the right border: conv2d_dw.glsl."""

    name: ClassVar[str] = "pad-depthwise-apart"
    law: ClassVar[str] = "a convolution with a padding is one without of the padded input"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"depthwise-padding"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        if node.target not in (torch.ops.aten.conv2d.default, torch.ops.aten.conv2d.padding):
            return False
        if not any(_paddings(node)[2:]):
            return False
        image, weights, *_, groups = _arguments(node)
        outputs, inputs, *kernel = _shape(weights)
        is_depthwise = bool(groups == outputs) and inputs == 1 and len(_shape(image)) == _AXES
        return is_depthwise and kernel[0] > 1 and tuple(kernel) not in DEPTHWISE_SHADERS

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten = torch.ops.aten
        top, bottom, left, right = _paddings(node)
        image, weights, bias, stride, _, dilation, groups = _arguments(node)
        with replacing(module, node) as new:
            padded = new.call(aten.constant_pad_nd.default, image, [left, right, top, bottom], 0.0)
            new.call(aten.conv2d.default, padded, weights, bias, stride, [0, 0], dilation, groups)


def _arguments(node: Node) -> tuple[Any, ...]:
    """All of them, with defaults."""
    return (*node.args, *_DEFAULTS[len(node.args) - 2 :])


def _shape(node: Any) -> list[int]:
    return [int(extent) for extent in node.meta["val"].shape]


def _paddings(node: Node) -> tuple[int, int, int, int]:
    """At the top, the bottom, the left and the right."""
    _, weights, _, _, wanted, dilation, _ = _arguments(node)
    if wanted == "valid":
        return 0, 0, 0, 0
    if wanted == "same":
        both = [(extent - 1) * step for extent, step in zip(_shape(weights)[2:], dilation, strict=True)]
        (top, bottom), (left, right) = ((one // 2, one - one // 2) for one in both)
        return top, bottom, left, right
    height, width = wanted
    return height, height, width, width
