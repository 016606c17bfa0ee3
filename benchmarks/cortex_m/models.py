"""Models for Cortex-M that are not among the built-in ones; weights are random. Each function is a model source."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from benchmarks.models.mobilenet_v2 import MobileNetV2
from benchmarks.models.nets import Calibrated, like_the_suite


def wav2letter() -> nn.Module:
    """A small Wav2Letter: nine 1-D convolutions."""
    layers: list[nn.Module] = [nn.Conv1d(1, 32, 48, 2, 23), nn.ReLU()]
    for _ in range(5):
        layers += [nn.Conv1d(32, 32, 7, 1, 3), nn.ReLU()]
    layers += [nn.Conv1d(32, 48, 32, 1, 16), nn.ReLU(), nn.Conv1d(48, 48, 1), nn.ReLU(), nn.Conv1d(48, 29, 1)]
    return nn.Sequential(*layers)


def silero_encoder() -> nn.Sequential:
    """The convolutions of Silero VAD behind its spectrum."""
    return nn.Sequential(
        nn.Conv1d(129, 128, 3, 1, 1), nn.ReLU(), nn.Conv1d(128, 64, 3, 2, 1), nn.ReLU(),
        nn.Conv1d(64, 64, 3, 2, 1), nn.ReLU(), nn.Conv1d(64, 128, 3, 1, 1), nn.ReLU(),
        nn.Conv1d(128, 1, 1), nn.Sigmoid(),
    )  # fmt: skip


class Silero(nn.Module):
    """Silero VAD without its recurrent part. products: squares are products of a value with itself."""

    def __init__(self, products: bool = False) -> None:
        super().__init__()
        self.spectrum, self.encoder = nn.Conv1d(1, 258, 256, 128, bias=False), silero_encoder()
        self.products = products

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The probability of speech in a signal (1, 1, 640)."""
        parts = self.spectrum(x)
        real, imaginary = parts[:, :129], parts[:, 129:]
        energy = real * real + imaginary * imaginary if self.products else real**2 + imaginary**2
        encoded: torch.Tensor = self.encoder(torch.sqrt(energy))
        return encoded


def _layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.SiLU())


class _Split(nn.Module):
    """Half of the channels goes through two convolutions with a sum around them; all are joined again."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.first, self.last = _layer(inputs, outputs, 1), _layer(outputs + half, outputs, 1)
        self.inner = nn.Sequential(_layer(half, half, 3), _layer(half, half, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = self.first(x).chunk(2, 1)
        joined: torch.Tensor = self.last(torch.cat([left, right, right + self.inner(right)], 1))
        return joined


class Yolo(nn.Module):
    """What YOLO11 consists of: splits and concatenations around SiLU, pooled pyramids, upsampling; (1, 3, 64, 64)."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_layer(3, 16, 3, 2), _layer(16, 32, 3, 2), _Split(32, 32))
        self.coarse = nn.Sequential(_layer(32, 32, 3, 2), _Split(32, 32))
        self.narrow, self.wide = _layer(32, 16, 1), _layer(64, 32, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.up, self.neck, self.head = nn.Upsample(scale_factor=2), _Split(64, 32), nn.Conv2d(32, 15, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.fine(x)
        pools = [self.narrow(self.coarse(fine))]
        for _ in range(3):
            pools.append(self.pool(pools[-1]))
        coarse = self.wide(torch.cat(pools, 1))
        boxes: torch.Tensor = self.head(self.neck(torch.cat([self.up(coarse), fine], 1)))
        return boxes


def load_wav2letter() -> Calibrated:
    return like_the_suite(wav2letter, (1, 1, 400), seed=51)


def load_silero_convolutions() -> Calibrated:
    return like_the_suite(Silero, (1, 1, 640), seed=52)


def load_yolo() -> Calibrated:
    return like_the_suite(Yolo, (1, 3, 64, 64), seed=53)


def load_mobilenet_v2() -> Calibrated:
    """MobileNetV2 of width 0.35 for images of 96 x 96 pixels."""
    return like_the_suite(partial(MobileNetV2, width=0.35), (1, 3, 96, 96), seed=54)
