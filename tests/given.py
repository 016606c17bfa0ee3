"""What the pool shares with its workers, without a pool."""

from workers import tasks


class Given:
    """Stands for what the pool shares."""

    def __init__(self, base: tasks.BaseProgram) -> None:
        self._base = base

    def get(self) -> tasks.BaseProgram:
        return self._base
