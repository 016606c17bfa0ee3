"""MobileNetV3 as it was written before PyTorch had its activations: `F.relu6(x + 3) / 6`, and a pool of fixed size."""

import torch
from torch import nn
from torch.nn import functional

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


class HardSigmoid(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu6(x + 3.0) / 6.0


class HardSwish(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * functional.relu6(x + 3.0) / 6.0


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the mean of all channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        """A gate for each channel.

        Args:
            channels: of input and output.
            squeezed: channels inside.
        """
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            HardSigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


def convolution(channels: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution and BatchNorm.

    Args:
        channels: of the input.
        out: channels of the output.
        kernel: size along both axes, odd; padded so that the size stays.
        stride: along both axes.
        groups: as of nn.Conv2d.

    Returns:
        The two modules.
    """
    padding = kernel // 2
    return [nn.Conv2d(channels, out, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(out)]


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise, squeeze-excite, project 1x1; with a skip where the shapes allow one."""

    def __init__(
        self, channels: int, expanded: int, out: int, kernel: int, stride: int, activation: type[nn.Module]
    ) -> None:
        """Expand, convolve by channel, gate, project.

        Args:
            channels: of the input.
            expanded: channels inside.
            out: channels of the output.
            kernel: size along both axes, odd.
            stride: along both axes.
            activation: made anew for each place.
        """
        super().__init__()
        self.body = nn.Sequential(
            *convolution(channels, expanded),
            activation(),
            *convolution(expanded, expanded, kernel, stride, groups=expanded),
            SqueezeExcite(expanded, expanded // 4),
            activation(),
            *convolution(expanded, out),
        )
        self.skip = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class MobileNetV3(nn.Module):
    """Stem, an inverted residual of each kind and the head of MobileNetV3-small on 72x72 images."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *convolution(3, 16, 3, stride=2),
            HardSwish(),
            InvertedResidual(16, 48, 24, kernel=3, stride=2, activation=nn.ReLU),
            InvertedResidual(24, 96, 40, kernel=5, stride=2, activation=HardSwish),
            InvertedResidual(40, 120, 40, kernel=5, stride=1, activation=HardSwish),
            *convolution(40, 96),
            HardSwish(),
            nn.AvgPool2d(9),
        )
        self.classifier = nn.Sequential(nn.Linear(96, 64), HardSwish(), nn.Linear(64, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def load() -> SourceModel:
    return random_model("mobilenet-v3", MobileNetV3, (1, 3, 72, 72), seed=18)
