"""Nets of sound and of other signals."""

from __future__ import annotations

import torch
from torch import nn

from benchmarks.models.nets import Calibrated, like_the_suite
from benchmarks.unseen.layers import Transformer, conv1d, conv2d


class TcResNet(nn.Module):
    """TC-ResNet8 (Choi et al., 2019): (1, features, frames), convolutions along time alone."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                conv1d(inputs, outputs, 9, 2),
                nn.Conv1d(outputs, outputs, 9, padding=4, bias=False),
                nn.BatchNorm1d(outputs),
            )
            self.beside = conv1d(inputs, outputs, 1, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.body(x) + self.beside(x))

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(40, 16, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(self.Block(16, 24), self.Block(24, 32), self.Block(32, 48))
        self.head = nn.Linear(48, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)).mean(dim=2))


class MatchboxNet(nn.Module):
    """MatchboxNet (Majumdar and Ginsburg, 2020): separable convolutions along time, residual blocks of two."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
            super().__init__()
            self.first = self._separable(inputs, outputs, kernel)
            self.second = self._separable(outputs, outputs, kernel)
            self.beside = nn.Sequential(nn.Conv1d(inputs, outputs, 1, bias=False), nn.BatchNorm1d(outputs))

        @staticmethod
        def _separable(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
            depthwise = nn.Conv1d(inputs, inputs, kernel, padding=kernel // 2, groups=inputs, bias=False)
            return nn.Sequential(depthwise, nn.Conv1d(inputs, outputs, 1, bias=False), nn.BatchNorm1d(outputs))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.second(torch.relu(self.first(x))) + self.beside(x))

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv1d(64, 128, 11, 2)
        self.blocks = nn.Sequential(self.Block(128, 64, 13), self.Block(64, 64, 15), self.Block(64, 64, 17))
        self.last = nn.Sequential(conv1d(64, 128, 29, dilation=2), conv1d(128, 128, 1))
        self.head = nn.Conv1d(128, 30, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.last(self.blocks(self.stem(x)))).mean(dim=-1)


class BroadcastResNet(nn.Module):
    """BC-ResNet (Kim et al., 2021): features averaged over frequency, convolved along time, and added again."""

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.frequency = nn.Sequential(
                nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), groups=channels, bias=False),
                nn.BatchNorm2d(channels),
            )
            self.time = nn.Sequential(
                nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), groups=channels, bias=False),
                nn.BatchNorm2d(channels),
                nn.SiLU(),
                nn.Conv2d(channels, channels, 1, bias=False),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            wide = self.frequency(x)
            return torch.relu(x + wide + self.time(wide.mean(dim=2, keepdim=True)))

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 5, (2, 1), 2, bias=False)
        self.body = nn.Sequential(self.Block(16), self.Block(16), conv2d(16, 24, 1, 2), self.Block(24), self.Block(24))
        self.head = nn.Conv2d(24, 12, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(self.stem(x)).mean(dim=(2, 3), keepdim=True)).flatten(1)


class KeywordTransformer(nn.Module):
    """KWT-1 (Berg et al., 2021): a token for each frame."""

    def __init__(self, width: int = 64, frames: int = 98) -> None:
        super().__init__()
        self.embed = nn.Linear(40, width)
        self.position = nn.Parameter(torch.zeros(1, frames, width))
        self.blocks = nn.Sequential(Transformer(width, 1), Transformer(width, 1))
        self.head = nn.Linear(width, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.embed(x.transpose(1, 2)) + self.position).mean(dim=1))


class InceptionTime(nn.Module):
    """InceptionTime (Fawaz et al., 2019): kernels of several lengths and a pool side by side."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.narrow = nn.Conv1d(inputs, outputs, 1, bias=False)
            self.kernels = nn.ModuleList(
                nn.Conv1d(outputs, outputs, kernel, padding=kernel // 2, bias=False) for kernel in (9, 19, 39)
            )
            self.pooled = nn.Sequential(nn.MaxPool1d(3, 1, 1), nn.Conv1d(inputs, outputs, 1, bias=False))
            self.norm = nn.BatchNorm1d(4 * outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            narrow = self.narrow(x)
            return torch.relu(self.norm(torch.cat([*(one(narrow) for one in self.kernels), self.pooled(x)], dim=1)))

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(self.Block(12, 16), self.Block(64, 16), self.Block(64, 16))
        self.head = nn.Linear(64, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(x).mean(dim=-1))


class ConvTasNet(nn.Module):
    """Conv-TasNet (Luo and Mesgarani, 2019), one voice: encoder, dilated separator, mask, decoder."""

    class Block(nn.Module):
        def __init__(self, width: int, hidden: int, dilation: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                conv1d(width, hidden, 1), conv1d(hidden, hidden, 3, dilation=dilation, groups=hidden),
                nn.Conv1d(hidden, width, 1),
            )  # fmt: skip

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.body(x)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv1d(1, 64, 16, 8, bias=False)
        self.narrow = nn.Conv1d(64, 48, 1)
        self.separator = nn.Sequential(*(self.Block(48, 96, 2**index) for index in range(5)))
        self.mask = nn.Conv1d(48, 64, 1)
        self.decoder = nn.ConvTranspose1d(64, 1, 16, 8, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        encoded = torch.relu(self.encoder(x))
        mask = torch.sigmoid(self.mask(self.separator(self.narrow(encoded))))
        return self.decoder(encoded * mask)


class EegNet(nn.Module):
    """EEGNet (Lawhern et al., 2018): along time, over electrodes, separable along time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = nn.Sequential(nn.Conv2d(1, 8, (1, 64), padding=(0, 32), bias=False), nn.BatchNorm2d(8))
        self.electrodes = nn.Sequential(
            nn.Conv2d(8, 16, (22, 1), groups=8, bias=False), nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 4))
        )
        self.separable = nn.Sequential(
            nn.Conv2d(16, 16, (1, 16), padding=(0, 8), groups=16, bias=False), nn.Conv2d(16, 16, 1, bias=False),
            nn.BatchNorm2d(16), nn.ELU(), nn.AvgPool2d((1, 8)), nn.Flatten(),
        )  # fmt: skip
        self.head = nn.Linear(16 * 8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.separable(self.electrodes(self.time(x))))


def tc_resnet() -> Calibrated:
    return like_the_suite(TcResNet, (1, 40, 98), seed=101)


def matchboxnet() -> Calibrated:
    return like_the_suite(MatchboxNet, (1, 64, 128), seed=102)


def broadcast_resnet() -> Calibrated:
    return like_the_suite(BroadcastResNet, (1, 1, 40, 98), seed=103)


def keyword_transformer() -> Calibrated:
    return like_the_suite(KeywordTransformer, (1, 40, 98), seed=104)


def inception_time() -> Calibrated:
    return like_the_suite(InceptionTime, (1, 12, 256), seed=105)


def conv_tasnet() -> Calibrated:
    return like_the_suite(ConvTasNet, (1, 1, 1024), seed=106)


def eegnet() -> Calibrated:
    return like_the_suite(EegNet, (1, 1, 22, 256), seed=107)
