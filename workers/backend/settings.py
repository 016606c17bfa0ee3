"""Lowering choices that are taken inside the toolchain: each makes another base program of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SettingStatus:
    """What a setting comes to for a model.

    Attributes:
        status: `ok` is another program with the default's outputs. `inexact` is another program, by alternatives that
            are not exact; its outputs are not compared. `same` is the default's program. `wrong` has other outputs.
            `refused` is not lowered by the toolchain.
        reason: one line if not ok.
    """

    status: Literal["ok", "inexact", "same", "wrong", "refused"]
    reason: str = ""
