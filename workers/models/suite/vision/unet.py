"""U-Net: two levels down, two up with transposed convolutions, skips joined by concat."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


def _double(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
        nn.Conv2d(out, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Segments a 64x64 image into 4 classes."""

    def __init__(self, width: int = 12, classes: int = 4) -> None:
        """Two levels down and up.

        Args:
            width: channels of the first level; each level down has twice as many.
            classes: of the output.
        """
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.down1 = _double(3, width)
        self.down2 = _double(width, 2 * width)
        self.bottom = _double(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.join2 = _double(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.join1 = _double(2 * width, width)
        self.classifier = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        high = self.down1(x)
        middle = self.down2(self.pool(high))
        low = self.bottom(self.pool(middle))
        middle = self.join2(torch.cat([middle, self.up2(low)], dim=1))
        high = self.join1(torch.cat([high, self.up1(middle)], dim=1))
        return self.classifier(high)


def load() -> SourceModel:
    return random_model("unet", UNet, (1, 3, 64, 64), seed=10)
