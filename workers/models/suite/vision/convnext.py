"""ConvNeXt blocks: patch stem, depthwise 7x7, LayerNorm over channels, GELU, layer scale."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of a (batch, channels, height, width) tensor."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """Depthwise 7x7, then norm and two linears in channels-last order, layer scale, skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.mix = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = self.mix(self.depthwise(x).permute(0, 2, 3, 1)) * self.scale
        return x + mixed.permute(0, 3, 1, 2)


class ConvNext(nn.Module):
    """Stem of 4x4 patches, one block, downsampling, two blocks, classifier on 64x64 images."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=4),
            ChannelNorm(24),
            Block(24),
            ChannelNorm(24),
            nn.Conv2d(24, 48, 2, stride=2),
            Block(48),
            Block(48),
        )
        self.norm = nn.LayerNorm(48)
        self.classifier = nn.Linear(48, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.norm(self.features(x).mean(dim=(2, 3))))


def load() -> SourceModel:
    return random_model("convnext", ConvNext, (1, 3, 64, 64), seed=9)
