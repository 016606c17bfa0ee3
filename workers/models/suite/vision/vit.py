"""Vision transformer with two blocks: patch embedding, class token, attention, GELU."""

import torch
from torch import nn

from workers.models.suite.attention import SelfAttention
from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int) -> None:
        """Keep width and tokens.

        Args:
            width: of the embedding.
            heads: of the attention; divides the width.
        """
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """64 patches of 8x8 and a class token through two blocks."""

    def __init__(self, width: int = 96, heads: int = 3, classes: int = 10) -> None:
        """Two blocks after the patches.

        Args:
            width: of the embedding.
            heads: of the attention; divides the width.
            classes: of the output.
        """
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, stride=8)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.zeros(1, 65, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(2)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token, tokens], dim=1) + self.position
        return self.classifier(self.norm(self.blocks(tokens))[:, 0])


def load() -> SourceModel:
    return random_model("vit", VisionTransformer, (1, 3, 64, 64), seed=6)
