"""MobileNetV3-style inverted residuals with squeeze-and-excitation."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the mean of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        """A gate for each channel.

        Args:
            channels: of input and output.
            squeezed: channels inside.
        """
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1), nn.ReLU(), nn.Conv2d(squeezed, channels, 1), nn.Hardsigmoid()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.pool(x))


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, squeeze-excite, project 1x1; with a skip where the shapes allow one."""

    def __init__(self, channels: int, expanded: int, out: int, stride: int) -> None:
        """Expand, convolve by channel, gate, project.

        Args:
            channels: of the input.
            expanded: channels inside.
            out: channels of the output.
            stride: along both axes.
        """
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, expanded, 1, bias=False),
            nn.BatchNorm2d(expanded),
            nn.ReLU(),
            nn.Conv2d(expanded, expanded, 3, stride, padding=1, groups=expanded, bias=False),
            nn.BatchNorm2d(expanded),
            nn.ReLU(),
            SqueezeExcite(expanded, expanded // 4),
            nn.Conv2d(expanded, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.skip = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class SqueezeExciteNet(nn.Module):
    """Stem, three inverted residuals and a classifier on 48x48 images."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.blocks = nn.Sequential(
            InvertedResidual(16, 32, 16, stride=1),
            InvertedResidual(16, 64, 24, stride=2),
            InvertedResidual(24, 96, 24, stride=1),
        )
        self.classifier = nn.Linear(24, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(self.stem(x)).mean(dim=(2, 3)))


def load() -> SourceModel:
    return random_model("squeeze-excite", SqueezeExciteNet, (1, 3, 48, 48), seed=3)
