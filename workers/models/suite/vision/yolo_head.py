"""YOLO-style detection head: per scale a convolution, view, permute, reshape; one concat of all boxes."""

import torch
from torch import nn

from workers.models.suite.build import random_model
from workers.models.types import SourceModel


def _down(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class YoloHead(nn.Module):
    """Small backbone, two scales: (1, 3, 64, 64) -> (1, 960, 15), 3 anchors each at 16x16 and 8x8."""

    def __init__(self, anchors: int = 3, classes: int = 10) -> None:
        """A small backbone with heads on two scales.

        Args:
            anchors: for each cell.
            classes: besides the four sizes and the objectness of an anchor.
        """
        super().__init__()
        self.anchors = anchors
        self.fields = 5 + classes
        self.stem = nn.Sequential(_down(3, 16), _down(16, 32))
        self.deeper = _down(32, 64)
        self.heads = nn.ModuleList(nn.Conv2d(c, anchors * self.fields, 1) for c in (32, 64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.stem(x)
        boxes = []
        for head, features in zip(self.heads, (fine, self.deeper(fine)), strict=True):
            raw = head(features)
            batch, _, height, width = raw.shape
            grid = raw.view(batch, self.anchors, self.fields, height, width).permute(0, 1, 3, 4, 2)
            boxes.append(grid.sigmoid().reshape(batch, -1, self.fields))
        return torch.cat(boxes, dim=1)


def load() -> SourceModel:
    return random_model("yolo-head", YoloHead, (1, 3, 64, 64), seed=4)
