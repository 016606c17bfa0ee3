"""Nets of images."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.models.nets import Calibrated, like_the_suite
from benchmarks.unseen.layers import Attention, Transformer, conv2d, perceptron


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2 (Ma et al., 2018): half of the channels pass through, then all are shuffled."""

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            half = channels // 2
            self.body = nn.Sequential(
                conv2d(half, half, 1), nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
                nn.BatchNorm2d(half), conv2d(half, half, 1),
            )  # fmt: skip

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kept, changed = x.chunk(2, dim=1)
            x = torch.cat((kept, self.body(changed)), dim=1)
            batch, channels, height, width = x.shape
            return x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(x.shape)

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv2d(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1), self.Block(24), self.Block(24), conv2d(24, 48, 3, 2),
            self.Block(48), self.Block(48), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(48, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class GhostNet(nn.Module):
    """GhostNet (Han et al., 2020).

    A 1x1 gives half of a layer's channels, and a depthwise one of these the others.
    """

    class Ghost(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.first = conv2d(inputs, outputs // 2, 1)
            self.cheap = conv2d(outputs // 2, outputs // 2, 3, groups=outputs // 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first = self.first(x)
            return torch.cat((first, self.cheap(first)), dim=1)

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv2d(3, 16, 3, 2), self.Ghost(16, 32), conv2d(32, 32, 3, 2, groups=32), self.Ghost(32, 64),
            self.Ghost(64, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class DenseNet(nn.Module):
    """DenseNet (Huang et al., 2017): a layer reads the results of all before it."""

    class Block(nn.Module):
        def __init__(self, inputs: int, growth: int, layers: int) -> None:
            super().__init__()
            self.layers = nn.ModuleList(conv2d(inputs + index * growth, growth, 3) for index in range(layers))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = torch.cat((x, layer(x)), dim=1)
            return x

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv2d(3, 16, 3, 2), self.Block(16, 8, 4), conv2d(48, 24, 1), nn.AvgPool2d(2), self.Block(24, 8, 4),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(56, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class EfficientNet(nn.Module):
    """Blocks of EfficientNet (Tan and Le, 2019): expand, depthwise, squeeze and excite with SiLU, project."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
            super().__init__()
            width = 4 * inputs
            self.expand = conv2d(inputs, width, 1, activation=nn.SiLU)
            self.depthwise = conv2d(width, width, kernel, stride, groups=width, activation=nn.SiLU)
            self.squeeze = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, inputs // 4, 1), nn.SiLU(),
                nn.Conv2d(inputs // 4, width, 1), nn.Sigmoid(),
            )  # fmt: skip
            self.project = nn.Sequential(nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
            self.residual = stride == 1 and inputs == outputs

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            wide = self.depthwise(self.expand(x))
            result = self.project(wide * self.squeeze(wide))
            return x + result if self.residual else result

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv2d(3, 16, 3, 2, activation=nn.SiLU), self.Block(16, 24, 3, 2), self.Block(24, 24, 3, 1),
            self.Block(24, 40, 5, 2), self.Block(40, 40, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(40, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class MlpMixer(nn.Module):
    """MLP-Mixer (Tolstikhin et al., 2021): perceptrons over patches and over channels in turn."""

    class Block(nn.Module):
        def __init__(self, tokens: int, width: int) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.over_tokens, self.over_channels = perceptron(tokens, 2 * tokens), perceptron(width, 2 * width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x + self.over_tokens(self.first(x).transpose(1, 2)).transpose(1, 2)
            return x + self.over_channels(self.second(x))

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.blocks = nn.Sequential(self.Block(64, width), self.Block(64, width))
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2)).mean(dim=1))


class PoolFormer(nn.Module):
    """PoolFormer (Yu et al., 2022): an average pool where others have attention."""

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.first, self.second = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
            self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
            self.perceptron = nn.Sequential(
                nn.Conv2d(channels, 4 * channels, 1), nn.GELU(), nn.Conv2d(4 * channels, channels, 1)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            normed = self.first(x)
            x = x + self.pool(normed) - normed
            return x + self.perceptron(self.second(x))

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 7, 4, 2), self.Block(32), self.Block(32), nn.Conv2d(32, 64, 3, 2, 1), self.Block(64),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class MobileVit(nn.Module):
    """A block of MobileViT (Mehta and Rastegari, 2022): convolution, attention over 2x2 patches, fusion."""

    def __init__(self, channels: int = 32, width: int = 48) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv2d(3, 16, 3, 2), conv2d(16, channels, 3, 2))
        self.local = nn.Sequential(conv2d(channels, channels, 3), nn.Conv2d(channels, width, 1))
        self.blocks = nn.Sequential(Transformer(width, 4), Transformer(width, 4))
        self.back = conv2d(width, channels, 1)
        self.fusion = conv2d(2 * channels, channels, 3)
        self.head = nn.Linear(channels, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        local = self.local(x)
        batch, width, height, columns = local.shape
        patches = local.reshape(batch, width, height // 2, 2, columns // 2, 2).permute(0, 3, 5, 2, 4, 1)
        mixed = self.blocks(patches.reshape(4 * batch, height * columns // 4, width))
        whole = mixed.reshape(batch, 2, 2, height // 2, columns // 2, width).permute(0, 5, 3, 1, 4, 2)
        x = self.fusion(torch.cat((x, self.back(whole.reshape(local.shape))), dim=1))
        return self.head(x.mean(dim=(2, 3)))


class WindowAttention(nn.Module):
    """Two blocks of Swin (Liu et al., 2021): attention in windows of 4x4, shifted in the second one."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.attentions = nn.ModuleList(Attention(width, 3) for _ in range(2))
        self.perceptrons = nn.ModuleList(perceptron(width, 2 * width) for _ in range(2))
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        for index, (attention, mlp) in enumerate(zip(self.attentions, self.perceptrons, strict=True)):
            moved = torch.roll(self.norms[2 * index](x), (-2 * index, -2 * index), dims=(1, 2))
            mixed = torch.roll(self._in_windows(attention, moved), (2 * index, 2 * index), dims=(1, 2))
            x = x + mixed
            x = x + mlp(self.norms[2 * index + 1](x))
        return self.head(x.mean(dim=(1, 2)))

    @staticmethod
    def _in_windows(attention: nn.Module, x: torch.Tensor) -> torch.Tensor:
        batch, height, columns, width = x.shape
        windows = x.view(batch, height // 4, 4, columns // 4, 4, width).transpose(2, 3)
        mixed = attention(windows.reshape(-1, 16, width)).view(batch, height // 4, columns // 4, 4, 4, width)
        return mixed.transpose(2, 3).reshape(x.shape)


def shufflenet_v2() -> Calibrated:
    return like_the_suite(ShuffleNetV2, (1, 3, 64, 64), seed=111)


def ghostnet() -> Calibrated:
    return like_the_suite(GhostNet, (1, 3, 64, 64), seed=112)


def densenet() -> Calibrated:
    return like_the_suite(DenseNet, (1, 3, 64, 64), seed=113)


def efficientnet() -> Calibrated:
    return like_the_suite(EfficientNet, (1, 3, 64, 64), seed=114)


def mlp_mixer() -> Calibrated:
    return like_the_suite(MlpMixer, (1, 3, 64, 64), seed=115)


def poolformer() -> Calibrated:
    return like_the_suite(PoolFormer, (1, 3, 64, 64), seed=116)


def mobilevit() -> Calibrated:
    return like_the_suite(MobileVit, (1, 3, 64, 64), seed=117)


def window_attention() -> Calibrated:
    return like_the_suite(WindowAttention, (1, 3, 64, 64), seed=118)
