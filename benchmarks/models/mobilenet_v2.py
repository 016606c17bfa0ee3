"""MobileNetV2 as in Sandler et al., 2018, table 2; with random weights."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.models.nets import Calibrated, like_the_suite

#: expansion, channels, blocks, stride of the first block
_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def _channels(count: float) -> int:
    """Multiples of 8, and no less than nine tenths of what was asked for."""
    rounded = max(8, int(count + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * count else rounded + 8


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; added to the input where both have one shape."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.body = nn.Sequential(
            *([_convolution(inputs, width, 1)] if expansion > 1 else []),
            _convolution(width, width, 3, stride, groups=width),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Module):
    """float32 [1, 3, 224, 224], or other sizes, to [1, classes]. width: what channels are multiplied by."""

    def __init__(self, classes: int = 1000, width: float = 1.0) -> None:
        super().__init__()
        channels = _channels(32 * width)
        layers: list[nn.Module] = [_convolution(3, channels, 3, 2)]
        for expansion, outputs, blocks, first_stride in _STAGES:
            for stride in (first_stride, *[1] * (blocks - 1)):
                layers.append(InvertedResidual(channels, _channels(outputs * width), stride, expansion))
                channels = _channels(outputs * width)
        last = _channels(1280 * max(1.0, width))
        self.features = nn.Sequential(*layers, _convolution(channels, last, 1), nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Linear(last, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))


def load() -> Calibrated:
    return like_the_suite(MobileNetV2, (1, 3, 224, 224), seed=20)
