"""SqueezeNet fire modules: squeeze 1x1, expand 1x1 and 3x3, concat."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class Fire(nn.Module):
    """One squeeze convolution feeding two expanding ones whose outputs are concatenated."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        """Squeeze, then expand in two ways.

        Args:
            channels: of the input.
            squeezed: channels after the squeeze.
            expanded: channels of each of the two.
        """
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(channels, squeezed, 1), nn.ReLU())
        self.expand1 = nn.Sequential(nn.Conv2d(squeezed, expanded, 1), nn.ReLU())
        self.expand3 = nn.Sequential(nn.Conv2d(squeezed, expanded, 3, padding=1), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squeezed = self.squeeze(x)
        return torch.cat([self.expand1(squeezed), self.expand3(squeezed)], dim=1)


class FireNet(nn.Module):
    """Stem, three fire modules with pooling between, and a convolutional classifier on 64x64 images."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            Fire(32, 16, 32),
            nn.MaxPool2d(2),
            Fire(64, 16, 48),
            nn.MaxPool2d(2),
            Fire(96, 24, 64),
            nn.Conv2d(128, classes, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x).mean(dim=(2, 3))


def load() -> SourceModel:
    return random_model("fire", FireNet, (1, 3, 64, 64), seed=5)
