"""What a pool raises where there is no answer to a call."""

from workers.errors import ModelError
from workers.pool.dispatcher import Loss


class PoolFailed(ModelError):
    """There are no workers: Ray does not start, or no worker process does. One line says why."""


class WorkerLost(Exception):
    """A call cost every worker that tried it.

    Attributes:
        kind: how the last one was lost.
        attempts: how many tried.
        detail: one line: the last words of the process, and where its log is.
    """

    def __init__(self, kind: Loss, attempts: int, detail: str) -> None:
        """Say how.

        Args:
            kind: how the last one was lost.
            attempts: how many tried.
            detail: one line: the last words of the process, and where its log is.
        """
        super().__init__(kind, attempts, detail)
        self.kind = kind
        self.attempts = attempts
        self.detail = detail

    def __str__(self) -> str:
        times = "once" if self.attempts == 1 else f"{self.attempts} times"
        return f"worker {self.kind} {times}: {self.detail}"
