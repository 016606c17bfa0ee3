"""Models that differ from others in one size.

What a search learns on one should help with the other.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from benchmarks.models.mobilenet_v2 import MobileNetV2
from benchmarks.models.nets import Calibrated, like_the_suite
from workers.models.suite.audio.tcn import TemporalConvNet
from workers.models.suite.vision.vit import Block, VisionTransformer


def narrow_tcn() -> Calibrated:
    """The suite's with 48 channels instead of 64."""
    return like_the_suite(partial(TemporalConvNet, 48), (1, 40, 128), seed=31)


def small_mobilenet() -> Calibrated:
    return like_the_suite(partial(MobileNetV2, 10, 0.35), (1, 3, 64, 64), seed=32)


def wider_mobilenet() -> Calibrated:
    """`small_mobilenet` with half again as many channels."""
    return like_the_suite(partial(MobileNetV2, 10, 0.5), (1, 3, 64, 64), seed=33)


class DeeperTransformer(VisionTransformer):
    """The suite's with three blocks instead of two."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(96, 3) for _ in range(3)))


def deeper_vit() -> Calibrated:
    return like_the_suite(DeeperTransformer, (1, 3, 64, 64), seed=34)
