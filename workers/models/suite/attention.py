"""Multi-head self-attention spelled out: projections, split into heads, two matrix products."""

import torch
from torch import nn


class SelfAttention(nn.Module):
    """Multi-head self-attention over (batch, tokens, width)."""

    def __init__(self, width: int, heads: int) -> None:
        """Project queries, keys and values together.

        Args:
            width: of the embedding.
            heads: divides the width.
        """
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, width = x.shape
        depth = width // self.heads
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, depth).permute(2, 0, 3, 1, 4)
        query, key, value = qkv[0], qkv[1], qkv[2]
        scores = (query @ key.transpose(-2, -1)) * depth**-0.5
        mixed = scores.softmax(dim=-1) @ value
        return self.project(mixed.transpose(1, 2).reshape(batch, tokens, width))
