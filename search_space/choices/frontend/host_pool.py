"""Average pools that ExecuTorch leaves on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from search_space.choices.frontend.base import FrontendChoice
from search_space.exactness import Exactness


class HostPool(FrontendChoice):
    """For Ethos-U55 and U65, ExecuTorch refuses pools that step by more than 3. One with a single window takes
    no step, and the window may be 256 wide.

    A mean of n integers is never nearer to a tie than 1/2n if n is odd. The CPU's float arithmetic errs by less than
    that for the windows that `odd` takes. So dequantise, float mean and quantise round as AVG_POOL2D does. Means of an
    even number of values have ties. Float errors decide which way the CPU rounds them.
    """

    name: ClassVar[str] = "host-pool"
    alternatives: ClassVar[Mapping[str, str]] = {
        "odd": "a mean of an odd number of int8 values has no ties: float and integer arithmetic round it alike",
        "any": "an average pool of one window has no stride; means of an even number of values have ties that round "
        "the other way",
    }
    inexact: ClassVar[Mapping[str, Exactness]] = {"any": Exactness.REQUANTISING}
