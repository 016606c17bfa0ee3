"""ShuffleNetV2 units: split, depthwise branch, concat, channel shuffle."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class ShuffleUnit(nn.Module):
    """Half of the channels pass, half go through 1x1, depthwise 3x3, 1x1; then both are interleaved."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept, worked = x.chunk(2, dim=1)
        both = torch.cat([kept, self.branch(worked)], dim=1)
        batch, channels, height, width = both.shape
        pairs = both.view(batch, 2, channels // 2, height, width).transpose(1, 2)
        return pairs.reshape(batch, channels, height, width)


class ShuffleNet(nn.Module):
    """Stem, three shuffle units and a classifier on 56x56 images."""

    def __init__(self, channels: int = 48, classes: int = 10) -> None:
        """Three units after a stem.

        Args:
            channels: of all units.
            classes: of the output.
        """
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.units = nn.Sequential(*(ShuffleUnit(channels) for _ in range(3)))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.units(self.stem(x)).mean(dim=(2, 3)))


def load() -> SourceModel:
    return random_model("channel-shuffle", ShuffleNet, (1, 3, 56, 56), seed=1)
