"""Small models of the kinds that people run on GPUs, for the table of `docs/vulkan.md`; weights are random."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Made = tuple[nn.Module, tuple[Tensor, ...], list[tuple[Tensor, ...]]]
"""The model, its example inputs, and inputs to calibrate on."""

_CALIBRATION_INPUTS = 4


def _made(make: Callable[[], nn.Module], *shape: int) -> Made:
    """A model with weights and inputs of one seed; normalisations have statistics that are not trivial."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = make().eval()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
        inputs: list[tuple[Tensor, ...]] = [(torch.randn(*shape),) for _ in range(_CALIBRATION_INPUTS)]
    return net, inputs[0], inputs


def mlp() -> Made:
    """Three linear layers on 16 rows of 256 channels."""
    return _made(
        lambda: nn.Sequential(
            nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 64)
        ), 16, 256,
    )  # fmt: skip


class _Cnn(nn.Module):
    """Three convolutions with batch norm and ReLU6, a mean that drops its dimensions, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU6())
                for before, after in pairwise(widths)
            )
        )
        self.classifier = nn.Linear(64, 16)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.body(x).mean((2, 3)))
        return logits


def cnn() -> Made:
    """A small convolutional net on an image of 64 by 64."""
    return _made(_Cnn, 1, 3, 64, 64)


class _Inverted(nn.Module):
    """An inverted residual block with ReLU6."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        wide = 4 * before
        self.body = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip
        self.is_residual = before == after and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.is_residual else out


class _MobileNet(nn.Module):
    """A stem, six inverted residuals, and a head as of MobileNetV2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        blocks = ((16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1), (32, 64, 2))
        self.blocks = nn.Sequential(*(_Inverted(*block) for block in blocks))
        self.head = nn.Sequential(nn.Conv2d(64, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU6())
        self.classifier = nn.Linear(256, 64)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.head(self.blocks(self.stem(x))).mean((2, 3)))
        return logits


def mobilenet() -> Made:
    """A net like MobileNetV2 on an image of 96 by 96."""
    return _made(_MobileNet, 1, 3, 96, 96)


class _VitBlock(nn.Module):
    """Attention by F.scaled_dot_product_attention and two linear layers with GELU, each behind a layer norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.qkv(self.norms[0](x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.out(mixed)
        return x + self.mlp(self.norms[1](x))


class _Vit(nn.Module):
    """Patches of 8 by 8, two blocks, and a classifier on the mean of all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 128, 8, 8)
        self.blocks = nn.Sequential(_VitBlock(128, 4), _VitBlock(128, 4))
        self.norm, self.classifier = nn.LayerNorm(128), nn.Linear(128, 16)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        logits: Tensor = self.classifier(self.norm(self.blocks(tokens)).mean(1))
        return logits


def vit() -> Made:
    """A vision transformer with two blocks on an image of 64 by 64."""
    return _made(_Vit, 1, 3, 64, 64)


class _RmsNorm(nn.Module):
    """Spelled out, as language models have it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class _LlmBlock(nn.Module):
    """Causal attention and a gated linear unit, each behind an RMS norm; no biases."""

    def __init__(self, width: int = 256, heads: int = 4, hidden: int = 512) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([_RmsNorm(width), _RmsNorm(width)])
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        normed = self.norms[0](x)
        query, key, value = (
            layer(normed).reshape(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        normed = self.norms[1](x)
        out: Tensor = x + self.down(F.silu(self.gate(normed)) * self.up(normed))
        return out


def llm() -> Made:
    """A block like those of language models on 16 tokens."""
    return _made(_LlmBlock, 1, 16, 256)


def conv1d() -> Made:
    """Convolutions along a signal of 256 samples, and a linear layer along its channels."""
    return _made(
        lambda: nn.Sequential(
            nn.Conv1d(16, 32, 5, 2, 2), nn.ReLU(), nn.Conv1d(32, 64, 5, 2, 2), nn.ReLU(), nn.Conv1d(64, 64, 3, 1, 1),
            nn.Flatten(), nn.Linear(64 * 64, 16),
        ), 1, 16, 256,
    )  # fmt: skip
