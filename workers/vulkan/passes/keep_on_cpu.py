"""Operators that ExecuTorch would give to the GPU and a recipe keeps on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import Rewrite, When


@dataclass(frozen=True)
class KeepOnCpu(Rewrite):
    """ExecuTorch's partitioner takes operators that its runtime does not register. A file with one of them does not
    load. On the CPU they run. Sites are the operators of that name, in program order.

    Attributes:
        operator: as the edge dialect has it, such as `aten.logical_not.default`.
    """

    name: ClassVar[str] = "keep-on-cpu"
    law: ClassVar[str] = "an operator computes the same on the CPU, in single precision"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING
    when: ClassVar[When] = When.PARTITION

    operator: str = ""
