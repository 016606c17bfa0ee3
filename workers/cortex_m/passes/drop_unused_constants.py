"""Parameters and buffers that no operator reads are left out of the file. ExecuTorch 1.5.1 leaves out parameters alone,
and what it quantised from are buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workers.cortex_m.passes.base import CortexMPass


@dataclass(frozen=True)
class DropUnusedConstants(CortexMPass):
    """Applied to the lowered program, after all rewrites."""

    name: ClassVar[str] = "drop-unused-constants"
    law: ClassVar[str] = "no operator reads them"
