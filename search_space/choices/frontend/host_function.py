"""Float functions of one int8 value that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import FrontendChoice


class HostFunction(FrontendChoice):
    """ExecuTorch's quantiser knows `hardtanh` and not `relu6`, `hardsigmoid` and not `hardsigmoid_`. What it does not
    know stays on the CPU, between a dequantise and a quantise. It cuts the program in two. A hard-swish that is written
    out costs MobileNetV3 a delegate each time.
    """

    name: ClassVar[str] = "host-function"
    alternatives: ClassVar[Mapping[str, str]] = {
        "table": "a function between dequantise and quantise of one int8 value is a TABLE of its 256 results"
    }
