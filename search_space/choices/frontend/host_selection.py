"""Operators that only select elements and that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import FrontendChoice


class HostSelection(FrontendChoice):
    """ExecuTorch's quantiser does not know `max_pool1d`, `channel_shuffle` and `unfold`. Its partitioner refuses
    `roll`, adaptive max pools and one-dimensional nearest resizing. It also refuses a constant index along another axis
    than the first. For Ethos-U55 and U65 it also refuses most of `flip` and `index_select`. The only factors of nearest
    resizing that it takes there are 2, 4 and 8. Each operator stays between a dequantise and a quantise on the CPU, and
    cuts the program in two.

    Such an operator gives elements of its operand: those of certain places, or the largest of a window. Dequantising
    ascends, so the largest int8 value stands for the largest float. What dequantise and quantise do to each of the 256
    values comes after, in a table if needed.
    """

    name: ClassVar[str] = "host-selection"
    alternatives: ClassVar[Mapping[str, str]] = {
        "int8": "an operator that gives some elements of its operand gives the same ones of the int8 values"
    }
