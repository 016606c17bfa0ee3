"""Operators that ExecuTorch would fuse and a recipe leaves as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import Rewrite, When


@dataclass(frozen=True)
class LeaveUnfused(Rewrite):
    """Switches a fusion pattern of ExecuTorch's registry off.

    This is for operators that the runtime lacks or computes wrongly. Sites are the places that the pattern fits, in
    program order.

    Attributes:
        pattern: its name in the registry, such as `rms_norm`.
    """

    name: ClassVar[str] = "leave-unfused"
    law: ClassVar[str] = "a fused operator computes what the operators of its pattern do, and rounds less often"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.PARTITION

    pattern: str = ""
