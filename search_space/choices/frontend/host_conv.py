"""Strided convolutions that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import FrontendChoice
from search_space.exactness import Exactness


class HostConv(FrontendChoice):
    """For Ethos-U55 and U65, ExecuTorch refuses convolutions that step by more than 3 if they have padding. Audio front
    ends and image stems have. It takes those without.

    The CPU adds up and rounds floats, the NPU integers. An exact result may be next to the middle between two int8
    values. Then they may round it to different ones.
    """

    name: ClassVar[str] = "host-conv"
    alternatives: ClassVar[Mapping[str, str]] = {
        "pad": "a convolution without padding of data that were padded before, which rounds once on the NPU"
    }
    inexact: ClassVar[Mapping[str, Exactness]] = {"pad": Exactness.REQUANTISING}
