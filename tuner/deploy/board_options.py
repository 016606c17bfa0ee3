"""The options of a board, from the command line, a suite file or a file of measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.backend.registry import target_named
from workers.backend.target import Target


@dataclass(frozen=True)
class BoardOptions:
    """Facts of a board, by the names that backends have for them; without those that were not said."""

    facts: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return bool(self.facts)

    def target(self, name: str) -> Target:
        """The device of this name on the board. Raises ModelError as `Backend.target` does."""
        return target_named(name, self.facts)
