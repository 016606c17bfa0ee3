"""Temporal convolutional net: dilated depthwise and pointwise 1-D convolutions with residuals."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class DilatedBlock(nn.Module):
    """Pointwise, dilated depthwise, pointwise, added to the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        """Keep channels and time.

        Args:
            channels: of input and output.
            dilation: over time.
        """
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(channels, channels, 1, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class TemporalConvNet(nn.Module):
    """40 features over 128 frames through blocks with dilations 1, 2, 4, 8 to 12 scores a frame."""

    def __init__(self, channels: int = 64, classes: int = 12) -> None:
        """Four blocks of growing dilation.

        Args:
            channels: of the blocks.
            classes: of the output.
        """
        super().__init__()
        self.embed = nn.Conv1d(40, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(DilatedBlock(channels, dilation) for dilation in (1, 2, 4, 8)))
        self.classifier = nn.Conv1d(channels, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(self.embed(x)))


def load() -> SourceModel:
    return random_model("tcn", TemporalConvNet, (1, 40, 128), seed=8)
