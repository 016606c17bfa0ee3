"""Transposed convolutions that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import QuantiserChoice
from search_space.exactness import Exactness


class HostTransposedConv(QuantiserChoice):
    """ExecuTorch's quantiser does not know `ConvTranspose1d`, which vocoders and separators of speech have. It stays on
    the CPU with float weights. Its partitioner refuses transposed convolutions with dilation or groups. For Ethos-U55
    and U65 it also refuses strides other than 1 or 2.

    With stride s, outputs q * s + phase depend on the inputs around q alone. So one convolution without stride gives
    the s phases as channels. A reshape puts them side by side. It is written so before the model is quantised. Its
    weights get int8 values and one scale for each phase and channel. The CPU had floats, or one scale for each channel.
    """

    name: ClassVar[str] = "host-transposed-conv"
    alternatives: ClassVar[Mapping[str, str]] = {
        "subpixel": "a transposed convolution with stride s is one without stride whose output channels are s phases"
    }
    inexact: ClassVar[Mapping[str, Exactness]] = {"subpixel": Exactness.REQUANTISING}
