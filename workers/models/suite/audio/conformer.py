"""Conformer encoder with two blocks: half-step feed-forwards, attention, gated depthwise convolution."""

import torch
from torch import nn

from workers.models.suite.attention import SelfAttention
from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class FeedForward(nn.Module):
    """Pre-norm feed-forward of a Conformer block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


class ConvolutionModule(nn.Module):
    """Pointwise with GLU, depthwise over time, BatchNorm, SiLU, pointwise; on (batch, time, width)."""

    def __init__(self, width: int, kernel: int) -> None:
        """Keep width and time.

        Args:
            width: of the embedding.
            kernel: taps over time, odd.
        """
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Conv1d(width, 2 * width, 1)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.batch_norm = nn.BatchNorm1d(width)
        self.activation = nn.SiLU()
        self.project = nn.Conv1d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values, gates = self.expand(self.norm(x).transpose(1, 2)).chunk(2, dim=1)
        x = self.depthwise(values * gates.sigmoid())
        return self.project(self.activation(self.batch_norm(x))).transpose(1, 2)


class ConformerBlock(nn.Module):
    """Feed-forward, attention, convolution, feed-forward, norm."""

    def __init__(self, width: int, heads: int, kernel: int) -> None:
        """Keep width and time.

        Args:
            width: of the embedding.
            heads: of the attention; divides the width.
            kernel: taps of the convolution over time, odd.
        """
        super().__init__()
        self.first = FeedForward(width)
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.convolution = ConvolutionModule(width, kernel)
        self.second = FeedForward(width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + 0.5 * self.first(x)
        x = x + self.attention(self.attention_norm(x))
        x = x + self.convolution(x)
        return self.norm(x + 0.5 * self.second(x))


class Conformer(nn.Module):
    """Log-mel frames (1, 128, 40) through subsampling by 4 and two blocks to (1, 32, 29) symbol scores."""

    def __init__(self, width: int = 64, heads: int = 4, kernel: int = 15, symbols: int = 29) -> None:
        """Two blocks after the subsampling.

        Args:
            width: of the embedding.
            heads: of the attention; divides the width.
            kernel: taps of the convolution over time, odd.
            symbols: of the output.
        """
        super().__init__()
        self.subsample = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.embed = nn.Linear(16 * 10, width)
        self.blocks = nn.Sequential(*(ConformerBlock(width, heads, kernel) for _ in range(2)))
        self.classifier = nn.Linear(width, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.subsample(x.unsqueeze(1))
        batch, channels, time, bands = features.shape
        frames = features.transpose(1, 2).reshape(batch, time, channels * bands)
        return self.classifier(self.blocks(self.embed(frames)))


def load() -> SourceModel:
    return random_model("conformer", Conformer, (1, 128, 40), seed=7)
