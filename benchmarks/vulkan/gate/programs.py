"""The smallest programs of each rule of the gate, and neighbours that no rule names.

Inputs and weights are random and seeded, so that a run on a runtime tells right from wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from executorch.backends.vulkan.patterns.rope import RotaryEmbeddingPattern
from torch import nn

from workers.models.model_source import export
from workers.models.types import ExportedModel, SourceModel

Case = tuple[Callable[..., Any], list[nn.Module], list[torch.Tensor]]
"""A function of layers and inputs, the layers, and the inputs."""


class Side(nn.Module):
    """Functions side by side, each with inputs of its own, so that a second lowers them all."""

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__()
        self.of, self.counts = [of for of, _, _ in cases], [len(inputs) for _, _, inputs in cases]
        self.layers = nn.ModuleList([nn.ModuleList(layers) for _, layers, _ in cases])

    def forward(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        left = list(inputs)
        outputs: list[torch.Tensor] = []
        for of, layers, count in zip(self.of, self.layers, self.counts, strict=True):
            given = of(*layers, *left[:count])  # type: ignore[misc]
            outputs += given if isinstance(given, tuple) else (given,)
            del left[:count]
        return outputs


def exported(*cases: Case) -> ExportedModel:
    """A program with functions side by side.

    Args:
        cases: weights and statistics of their layers are set anew.

    Returns:
        The program; its inputs are those that it is calibrated on.
    """
    generator = torch.Generator().manual_seed(1)
    for _, layers, _ in cases:
        for module in (part for one in layers for part in one.modules()):
            for weight in module.parameters(recurse=False):
                nn.init.normal_(weight, std=0.3, generator=generator)
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_(0, 0.1, generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
    inputs = tuple(one for _, _, those in cases for one in those)
    return export(SourceModel(Side(cases).eval(), inputs, [inputs], "net"))


class Taken(nn.Module):
    """Values of rows, by places that are constants. The CPU looks whether a place is below zero."""

    places: torch.Tensor

    def __init__(self, places: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("places", places)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.take_along_dim(x, self.places, -1)


class Counted(nn.Module):
    """A sum with a buffer that grows with each call."""

    total: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(4, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.total.add_(x)
        return x + self.total


class Rows(nn.Module):
    """Rows of its input, by places that are constants."""

    places: torch.Tensor

    def __init__(self, places: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("places", places)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[self.places]


def first(net: nn.Module, x: torch.Tensor) -> Any:
    """A layer alone."""
    return net(x)


def scaled_rms_norm(net: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """A RMS norm of rows, scaled by the weights of a layer."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * net.weight


def after_relu(net: nn.Module, x: torch.Tensor) -> Any:
    """A layer behind a ReLU."""
    return net(x.relu())


_RANDOM = torch.Generator().manual_seed(1)


def values(*shape: int) -> torch.Tensor:
    """Random numbers, of which half are negative; others with each call."""
    return torch.randn(shape, generator=_RANDOM)


#: Inputs of integers, and places in rows of 4 and of 8.
INTEGERS = torch.arange(8).reshape(2, 4)
INDEX = torch.tensor([1, 3, 0])
PLACES = torch.arange(12).reshape(4, 3) % 8

REFUSED: dict[str, list[Case]] = {
    "layer-norm": [
        (first, [nn.LayerNorm(16, elementwise_affine=False)], [values(1, 8, 16)]),
        (first, [nn.LayerNorm(16, bias=False)], [values(1, 8, 16)]),
        (first, [nn.LayerNorm((8, 16))], [values(1, 8, 16)]),
    ],
    "batch-norm": [
        (after_relu, [nn.BatchNorm1d(16)], [values(2, 16, 8)]),
        (after_relu, [nn.BatchNorm2d(16, affine=False)], [values(1, 16, 4, 4)]),
    ],
    "group-norm": [
        (first, [nn.GroupNorm(4, 16)], [values(1, 16, 8)]),
        (first, [nn.GroupNorm(4, 16, affine=False)], [values(1, 16, 4, 4)]),
    ],
    "rms-norm": [
        (scaled_rms_norm, [nn.Linear(8, 5)], [values(2, 5, 8)]),
        (scaled_rms_norm, [nn.Linear(1, 1)], [values(2, 5, 8)]),
    ],
    "reduced-batches": [
        (lambda x: x.softmax(1), [], [values(2, 8, 4, 4)]),
        (lambda x: x.softmax(0), [], [values(1, 8, 4, 4)]),
        (lambda x: x.mean(1, keepdim=True), [], [values(2, 8, 4, 4)]),
        (lambda x: x.sum(0, keepdim=True), [], [values(2, 8, 4, 4)]),
    ],
    "reduced-dimensions": [
        (lambda x: x.amax(keepdim=True), [], [values(2, 8)]),
    ],
    "reduced-arguments": [
        (lambda x: x.argmax(-1, keepdim=True), [], [values(2, 8)]),
        (lambda x: x.argmin(1, keepdim=True), [], [values(1, 8, 4, 4)]),
    ],
    "convolution-groups": [
        (first, [nn.Conv2d(16, 16, 1, groups=4)], [values(1, 16, 8, 8)]),
        (first, [nn.Conv2d(4, 4, 3, groups=2)], [values(1, 4, 8, 8)]),
        (first, [nn.Conv2d(16, 32, 3, groups=16)], [values(1, 16, 8, 8)]),
        (first, [nn.ConvTranspose2d(16, 16, 2, 2, groups=4)], [values(1, 16, 8, 8)]),
        (first, [nn.Conv1d(16, 16, 1, groups=4)], [values(1, 16, 8)]),
    ],
    "transposed-dilation": [
        (first, [nn.ConvTranspose2d(16, 16, 3, dilation=2)], [values(1, 16, 8, 8)]),
    ],
    "pointwise-steps": [
        (first, [nn.Conv1d(16, 16, 1, stride=2)], [values(1, 16, 8)]),
        (first, [nn.Conv1d(16, 16, 1, padding=1)], [values(1, 16, 8)]),
    ],
    "depthwise-strides": [
        (first, [nn.Conv2d(8, 8, 7, 2, 3, groups=8)], [values(1, 8, 14, 14)]),
        (after_relu, [nn.Conv2d(6, 6, (1, 3), (1, 2), groups=6)], [values(1, 6, 4, 9)]),
        (lambda net, x: net(x).relu(), [nn.Conv2d(6, 6, 4, 2, 1, groups=6)], [values(1, 6, 8, 8)]),
    ],
    "depthwise-padding": [
        (first, [nn.Conv2d(6, 6, 7, padding=3, groups=6)], [values(1, 6, 9, 9)]),
        (first, [nn.Conv2d(6, 6, 2, padding=1, groups=6)], [values(1, 6, 9, 9)]),
        (first, [nn.Conv2d(6, 6, (3, 5), padding=(0, 1), groups=6)], [values(1, 6, 9, 9)]),
        (first, [nn.Conv2d(6, 6, 7, 2, 6, 2, groups=6)], [values(1, 6, 16, 16)]),
    ],
    "constant-operands": [
        (lambda x, y: x @ y.T, [], [values(8, 16), values(12, 16)]),
        (lambda net, x: F.conv2d(x, net.weight.sigmoid()), [nn.Conv2d(4, 4, 3)], [values(1, 4, 8, 8)]),
        (lambda net, x, y: torch.addmm(y, net.weight, x), [nn.Linear(6, 5)], [values(6, 9), values(9)]),
    ],
    "dropped-factors": [
        (lambda net, x: torch.addmm(net.bias, x, net.weight.t(), alpha=2), [nn.Linear(6, 5)], [values(3, 6)]),
        (lambda net, x: torch.addmm(net.bias, x, net.weight.t(), beta=0.1), [nn.Linear(6, 5)], [values(3, 6)]),
    ],
    "constant-dimensions": [
        (lambda net, x: (x.reshape(1, 2, 3, 2, 2) * net.weight).flatten(), [nn.Conv3d(1, 1, (3, 2, 2), bias=False)],
         [values(6, 4)]),
    ],
    "returned-constants": [(first, [Taken(PLACES.clone())], [values(4, 8)])],
    "changed-buffers": [(first, [Counted()], [values(4, 8)])],
    "unread-inputs": [
        (lambda x: F.pad(x, (1, 1), mode="circular").relu(), [], [values(1, 4, 7)]),
        (lambda x: F.pad(x, (0, 0, 2, 0), mode="circular") * 2, [], [values(1, 4, 7, 5)]),
    ],
    "scalar-results": [
        (lambda x: x / (x.norm() + 1e-3), [], [values(4, 8)]),
        (torch.mul, [], [values(), values()]),
        (lambda x, y: torch.where(x > y, x, y), [], [values(), values()]),
    ],
    "pool-stride": [
        (lambda x: F.max_pool2d(x, 2), [], [values(1, 4, 8, 8)]),
        (lambda x: F.avg_pool2d(x, 2), [], [values(1, 4, 8, 8)]),
    ],
    "upsample-factor": [
        (lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear"), [], [values(1, 4, 5, 5)]),
    ],
    "nearest-sizes": [
        (lambda x: F.interpolate(x, size=(7, 7)), [], [values(1, 4, 5, 5)]),
        (lambda x: F.interpolate(x, size=(5, 2)), [], [values(1, 4, 5, 6)]),
    ],
    "aligned-corners": [
        (lambda x: F.interpolate(x, size=(1, 7), mode="bilinear", align_corners=True), [], [values(1, 4, 5, 5)]),
        (lambda x: F.interpolate(x, size=(7, 1), mode="bilinear", align_corners=True), [], [values(1, 4, 5, 1)]),
    ],
    "gather-dimensions": [
        (lambda x, at: x.gather(-1, at), [], [values(4, 8), PLACES]),
    ],
    "index-places": [
        (lambda x, at: x[:, at], [], [values(4, 8), INDEX]),
        (first, [Rows(INDEX - 4)], [values(4, 8)]),
        (first, [Rows(INDEX - 2)], [values(8)]),
    ],
    "shader-variants": [
        (lambda x, at: x[at], [], [torch.arange(8), INDEX]),
        (lambda x, y: (x == y).float(), [], [INTEGERS, INTEGERS]),
        (lambda x: x.bool().float(), [], [values(2, 4)]),
    ],
}  # fmt: skip

NEIGHBOURS: list[Case] = [
    (lambda x: x / (x.norm().reshape(1) + 1e-3), [], [values(4, 8)]),
    (lambda x, y: torch.where(x > 1, x, y), [], [values(), values()]),
    (lambda x: x.softmax(-1), [], [values(1, 16, 9, 12)]),
    (lambda x: x.softmax(-1), [], [values(1, 8, 4, 12)]),
    (lambda x: x.log_softmax(-1), [], [values(1, 8, 12)]),
    (first, [nn.LayerNorm(16)], [values(1, 8, 16)]),
    (after_relu, [nn.BatchNorm2d(16)], [values(1, 16, 4, 4)]),
    (first, [nn.GroupNorm(4, 16)], [values(2, 16, 4, 4)]),
    (lambda x: x.softmax(1), [], [values(1, 8, 4, 4)]),
    (lambda x: x.mean((2, 3), keepdim=True), [], [values(2, 12, 4, 4)]),
    (lambda x: x.argmax(-1), [], [values(2, 8)]),
    (first, [nn.Conv2d(16, 32, 3, groups=4)], [values(1, 16, 8, 8)]),
    (first, [nn.Conv2d(6, 6, 3, groups=6)], [values(1, 6, 8, 8)]),
    (first, [nn.ConvTranspose2d(16, 12, 2, 2)], [values(1, 16, 8, 8)]),
    (first, [nn.Conv1d(16, 16, 3, groups=16)], [values(2, 16, 8)]),
    (first, [nn.Conv1d(16, 16, 1)], [values(2, 16, 8)]),
    (first, [nn.Conv1d(16, 16, 3, stride=2, padding=1)], [values(1, 16, 8)]),
    (lambda x, y: x @ y, [], [values(8, 16), values(16, 12)]),
    (lambda net, x: net.weight @ x, [nn.Linear(8, 12)], [values(8, 16)]),
    (lambda x, y: (x.reshape(1, 2, 3, 2, 2) * y.reshape(1, 1, 3, 2, 2)).flatten(), [], [values(6, 4), values(3, 4)]),
    (first, [nn.MaxPool2d(2)], [values(1, 4, 8, 8)]),
    (lambda x: F.interpolate(x, scale_factor=2.0), [], [values(1, 4, 5, 5)]),
    (lambda x: F.interpolate(x, size=(20, 3)), [], [values(1, 4, 5, 1)]),
    (lambda x: F.interpolate(x, size=(7, 7), mode="bilinear"), [], [values(1, 4, 5, 5)]),
    (lambda x: F.interpolate(x, size=(7, 2), mode="bilinear", align_corners=True), [], [values(1, 4, 5, 5)]),
    (lambda x: F.interpolate(x, size=(1, 7), mode="bilinear"), [], [values(1, 4, 5, 5)]),
    (lambda x, at: x.gather(1, at), [], [values(4, 8), PLACES]),
    (first, [Rows(INDEX)], [values(4, 8)]),
    (first, [nn.Conv2d(6, 6, 5, 2, 2, groups=6)], [values(1, 6, 9, 9)]),
    (first, [nn.Conv2d(6, 6, 7, groups=6)], [values(1, 6, 9, 9)]),
    (first, [nn.Conv2d(6, 6, (7, 1), padding=(3, 0), groups=6)], [values(1, 6, 9, 9)]),
    (first, [nn.Conv2d(6, 6, (1, 7), padding=(0, 3), groups=6)], [values(1, 6, 9, 9)]),
    (lambda net, x: net(F.pad(x, (3, 3, 3, 3))), [nn.Conv2d(6, 6, 7, groups=6)], [values(1, 6, 9, 9)]),
    (first, [nn.Conv2d(5, 130, 3, padding=1)], [values(1, 5, 7, 9)]),
    (scaled_rms_norm, [nn.Linear(8, 1)], [values(2, 5, 8)]),
    (lambda x, y: (x < y).float(), [], [INTEGERS, INTEGERS]),
    (lambda x: x**2 + x**-2, [], [values(2, 4)]),
    (lambda x, y: torch.div(x, y, rounding_mode="floor"), [], [values(2, 4), values(2, 4)]),
    (lambda x: (x * 2) % 3, [], [values(2, 4)]),
    (lambda x: torch.cat([x[..., -1:], x, x[..., :1]], -1).relu(), [], [values(1, 4, 7)]),
    (lambda x: torch.fmod(x * 2, 3), [], [INTEGERS - 4]),
]  # fmt: skip


def shuffled(factor: int) -> Callable[..., Any]:
    """A pixel shuffle between two layers."""
    return lambda before, after, x: after(F.pixel_shuffle(before(x), factor))


INT8_REFUSED: dict[str, list[Case]] = {
    "convolution-batches": [
        (first, [nn.Conv2d(16, 16, 3)], [values(2, 16, 8, 8)]),
        (first, [nn.Conv2d(16, 16, 1)], [values(2, 16, 8, 8)]),
    ],
    "convolution-groups": [
        (first, [nn.Conv2d(8, 16, 3, groups=4)], [values(1, 8, 8, 8)]),
        (first, [nn.Conv2d(32, 8, 3, groups=8)], [values(1, 32, 8, 8)]),
    ],
    "pixel-shuffle-factor": [(shuffled(3), [nn.Conv2d(4, 36, 3), nn.Conv2d(4, 4, 3)], [values(1, 4, 8, 8)])],
    "int8-shapes": [
        (lambda a, b, x: a(x) + b(x[:, :, :1, :1]), [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)], [values(1, 4, 8, 8)]),
    ],
}

INT8_NEIGHBOURS: list[Case] = [
    (first, [nn.Conv2d(16, 16, 3)], [values(1, 16, 8, 8)]),
    (first, [nn.Conv2d(16, 16, 3, groups=4)], [values(1, 16, 8, 8)]),
    (first, [nn.Conv2d(16, 16, 3, groups=16)], [values(1, 16, 8, 8)]),
    (first, [nn.ConvTranspose2d(8, 16, 2, 2)], [values(1, 8, 8, 8)]),
    (shuffled(2), [nn.Conv2d(4, 16, 3), nn.Conv2d(4, 4, 3)], [values(1, 4, 8, 8)]),
    (lambda a, b, x: a(x) + b(x), [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)], [values(1, 4, 8, 8)]),
]


SUSPECT: dict[str, list[Case]] = {
    "texture-extents": [(torch.relu, [], [values(1, 1, 2, 8196)])],
    "partial-groups": [
        (lambda x: x.mean(1, keepdim=True), [], [values(1, 8, 20)]),
        (lambda x: x.softmax(-1), [], [values(1, 9, 12)]),
        (lambda x: x.log_softmax(-1), [], [values(1, 9, 12)]),
        (lambda x: x.softmax(-1), [], [values(1, 4, 9, 12)]),
        (lambda x: x.softmax(-1), [], [values(1, 9, 8, 12)]),
    ],
    "nearest-halves": [
        (lambda x: F.interpolate(x, size=(4, 3)), [], [values(1, 4, 8, 6)]),
        (lambda x: F.interpolate(x, size=(2, 5)), [], [values(1, 4, 2, 2)]),
    ],
    "division-rounding": [
        (lambda x, y: torch.div(x, y, rounding_mode="trunc"), [], [values(2, 4), values(2, 4)]),
        (lambda x, y: x // y, [], [INTEGERS - 4, INTEGERS + 1]),
    ],
    "integer-remainders": [
        (lambda x: (x * 2) % 3, [], [INTEGERS - 4]),
        (lambda x, y: (x * 2) % y, [], [INTEGERS - 4, torch.tensor([[3, -3, 5, -5]])]),
    ],
    "overflowing-gelu": [(lambda x: F.gelu(20 * x, approximate="tanh"), [], [values(4, 8)])],
    "negative-places": [(lambda x, at: x[at], [], [values(4, 8), INDEX])],
    "negative-bases": [
        (lambda x, y: x**y, [], [values(2, 4), values(2, 4)]),
        (lambda x: x**-1, [], [values(2, 4)]),
        (lambda x, y: x**y, [], [INTEGERS + 3, INTEGERS % 3]),
    ],
}


def rotary(batches: int, width: int) -> Case:
    """A rotary embedding of 4 heads of queries and 2 of keys, on 6 tokens."""
    inputs = [values(batches, 6, heads, width) for heads in (4, 2)] + [values(6, width // 2) for _ in range(2)]
    return RotaryEmbeddingPattern().forward, [], inputs
