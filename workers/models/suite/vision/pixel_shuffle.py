"""ESPCN-style super-resolution: convolutions at low resolution, then a pixel shuffle."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class SubPixelUpscaler(nn.Module):
    """Doubles height and width of an image: (1, 3, 48, 48) -> (1, 3, 96, 96)."""

    def __init__(self, channels: int = 32, factor: int = 2) -> None:
        """Three convolutions before the shuffle.

        Args:
            channels: inside.
            factor: that both axes grow by.
        """
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, channels, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 3 * factor * factor, 3, padding=1),
        )
        self.shuffle = nn.PixelShuffle(factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shuffle(self.body(x))


def load() -> SourceModel:
    return random_model("pixel-shuffle", SubPixelUpscaler, (1, 3, 48, 48), seed=2)
