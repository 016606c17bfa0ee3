"""What the service needs of whoever can tune. The service knows records and processes, nothing of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.reports.pareto import Limits


@dataclass(frozen=True)
class Explained:
    """What is said of a best besides its figures.

    Attributes:
        laws: recipe element, as the recipe spells it -> why it keeps the outputs.
        without: for each element in order, the evaluation of the recipe without it, None where there is none.
        limits: that hold for the front of cycles against SRAM.
    """

    laws: Mapping[str, str]
    without: Sequence[Evaluation | None]
    limits: Limits


class Backend(Protocol):
    """A toolchain."""

    #: Family -> versions of its toolchain.
    toolchains: dict[str, dict[str, str]]
    search_space_version: str
    #: Name -> description of the models that need no upload.
    models: Mapping[str, str]
    #: Command that reads the file whose name follows, in the working folder, and prints one JSON object about it:
    #: `error` if it is not taken, else `inputs`, `operators`, `quantised`; of calibration inputs `inputs`, `samples`.
    inspect_command: Sequence[str]
    #: Command that tunes; see `results.service.jobs.supervisor` for what it reads and what it leaves behind.
    job_command: Sequence[str]

    def refusal(self, target: str, board: Mapping[str, str], objective: str | None) -> str:
        """Why no job can be for this target, board and objective. Answers at once: what takes longer to find out is for
        the job.

        Args:
            target: name of the target, as the request has it.
            board: options of the board by name.
            objective: as the request has it; None for the family's usual one.

        Returns:
            The field, a colon, and the reason in one line. Empty if nothing is known against it.
        """

    def explain(self, best: Best, evaluations: Iterable[Evaluation]) -> Explained:
        """What is to be said of a best and the other evaluations of its identity.

        Args:
            best: what to explain.
            evaluations: all of the best's identity.

        Returns:
            What the report shows besides the figures.
        """
