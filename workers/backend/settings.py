"""Lowering choices that are taken inside the toolchain: each makes another base program of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SettingStatus:
    """What a setting comes to for a model.

    Attributes:
        status: `ok` (another program with the default's outputs), `inexact` (another program, by alternatives that are
            not exact: its outputs are not compared), `same` (the default's program), `wrong` (other outputs) or
            `refused` (the toolchain does not lower it).
        reason: one line if not ok.
    """

    status: Literal["ok", "inexact", "same", "wrong", "refused"]
    reason: str = ""
