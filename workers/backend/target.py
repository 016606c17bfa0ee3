"""A device and its board, as everything but its backend sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Target(Protocol):
    """Hashable and immutable: targets are parts of cache keys and travel to worker processes.

    Attributes:
        backend: family of the backend that it belongs to, such as `ethos-u`.
        name: of the device, as `--target` has it, such as `ethos-u55-128`.
        label: for people: the name, and what was said of the board.
        options: command line options that name it, without those at their default.
        clock_hz: clock of the device on a board that is somebody's, in Hz; None where none is known.
    """

    @property
    def backend(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def options(self) -> Mapping[str, str]: ...
    @property
    def clock_hz(self) -> float | None: ...

    def facts(self) -> dict[str, str]:
        """Facts of the board that make two targets the same or not, besides the name. Raises ModelError if they cannot
        be read any more."""
