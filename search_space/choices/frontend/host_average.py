"""One-dimensional average pools that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import QuantiserChoice
from search_space.exactness import Exactness


class HostAverage(QuantiserChoice):
    """ExecuTorch's quantiser does not know `avg_pool1d` and `adaptive_avg_pool1d`, which stay on the CPU. It knows
    `avg_pool2d`, whose result has the scale of its operand.

    The CPU's means are floats, which are quantised by a scale of their own: the NPU rounds others.
    """

    name: ClassVar[str] = "host-average"
    alternatives: ClassVar[Mapping[str, str]] = {
        "2d": "an average pool of a signal is one of an image with one row, or of one window a row"
    }
    inexact: ClassVar[Mapping[str, Exactness]] = {"2d": Exactness.REQUANTISING}
