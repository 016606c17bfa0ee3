"""A run that a user describes: the program, the board, and the count or a log with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tuner.deploy.board_options import BoardOptions
from workers.errors import ModelError
from workers.ethos_u.cost.evidence.comparison import Label
from workers.ethos_u.cost.evidence.csv_rows import CsvRow, csv_rows
from workers.ethos_u.cost.simulator.pmu_report import SimulationFailed, pmu_report

_COLUMNS = ("program", "device", "label")


@dataclass(frozen=True)
class CountedRun:
    """One inference of a program, or the median of several.

    Attributes:
        file: the program that ran: `.pte`, `.tflite` or a command stream.
        device: what the user calls the board or simulator.
        label: `simulated`, or `measured` on hardware.
        cycles: of the NPU in one inference; None if `log` has them.
        log: what ExecuTorch's runner printed.
        board: facts of the board that it ran on.
        vela_cycles: Vela's own estimate, if it is known.
        source: where the number comes from, in the user's words.
    """

    file: Path
    device: str
    label: Label
    cycles: int | None = None
    log: Path | None = None
    board: BoardOptions = field(default_factory=BoardOptions)
    vela_cycles: int | None = None
    source: str = ""

    def counted_cycles(self, delegates: int) -> int:
        """Cycles of one inference.

        Args:
            delegates: how many command streams the program has; a log says how many ran.

        Raises:
            ModelError: there are neither cycles nor a log, or both. Or the log cannot be read, or is of another
                program.
        """
        if self.log is None and self.cycles is not None:
            return self.cycles
        if self.log is None or self.cycles is not None:
            raise ModelError(f"{self.file}: give either the cycles that were counted or the log that has them")
        try:
            with self.log.open(encoding="utf-8", errors="replace") as lines:
                report = pmu_report(lines)
        except OSError as error:
            raise ModelError(f"{self.log}: cannot be read ({error.strerror})") from error
        except SimulationFailed as failure:
            raise ModelError(f"{self.log}: {failure}") from failure
        if report.delegations != delegates:
            raise ModelError(
                f"{self.log}: the NPU ran {report.delegations} command streams, {self.file.name} has {delegates}"
            )
        return report.npu_cycles


def counted_runs(path: Path) -> list[CountedRun]:
    """The runs that a CSV file lists; docs/validation.md describes its columns. Its paths are relative to it.

    Raises:
        ModelError: the file cannot be read, or a row is incomplete.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    runs = [_run(path.parent, row) for row in csv_rows(path, _COLUMNS)]
    if not runs:
        raise ModelError(f"{path}: has no rows")
    return runs


def _run(folder: Path, row: CsvRow) -> CountedRun:
    label = row.name("label")
    if label not in ("simulated", "measured"):
        raise ModelError(f"{row.place}: label must be simulated or measured")
    log, config = row.text("log"), row.text("vela_config")
    facts = {
        "system_config": row.text("system_config"), "memory_mode": row.text("memory_mode"),
        "vela_config": str(folder / config) if config.startswith(".") else config,
    }  # fmt: skip
    return CountedRun(
        file=folder / row.name("program"),
        device=row.name("device"),
        label="simulated" if label == "simulated" else "measured",
        cycles=_whole(row, "cycles"),
        log=folder / log if log else None,
        board=BoardOptions({name: fact for name, fact in facts.items() if fact}),
        vela_cycles=_whole(row, "vela_cycles"),
        source=row.text("source"),
    )


def _whole(row: CsvRow, column: str) -> int | None:
    number = row.cycles(column)
    return None if number is None else max(1, round(number))
