"""What a person says of a board, on the command line or in a file of measurements."""

from __future__ import annotations

from dataclasses import dataclass

from workers.ethos_u.target import Target


@dataclass(frozen=True)
class BoardOptions:
    """Facts of a board, as `Target.parse` takes them; None of what was not said."""

    system_config: str | None = None
    memory_mode: str | None = None
    vela_config: str | None = None

    def __bool__(self) -> bool:
        """Whether anything was said."""
        return any(value is not None for value in vars(self).values())

    def target(self, name: str) -> Target:
        """The device of this name on the board. Raises ModelError as `Target.parse` does."""
        return Target.parse(name, self.system_config, self.memory_mode, self.vela_config)
