"""What a person sees during tuning: a live table on a terminal, one line per event elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from results.records.best import Best
from results.records.compare import Gain
from results.records.evaluation import Evaluation
from results.records.figures import Figures
from results.reports.prediction_error import WITHIN, PredictionError
from workers.backend.base import Base
from workers.backend.job import Job
from workers.backend.registry import backend_of

_SHOWN = 30  # rows of the live table: what is under way, then the latest that are done
_DISPENSABLE = ("distinct", "per s", "tried", "default", "target")  # columns to leave out first on a narrow terminal


@dataclass
class _Line:
    has_ratio: bool
    phase: str = "waiting"
    default: int | None = None
    best: int | None = None
    evaluations: int = 0
    distinct: int = 0
    searching_since: float | None = None
    evaluations_before: int = 0
    error: PredictionError | None = None


class Progress:
    """Told of every event of every job. Writes to stderr, so that stdout is the result's alone."""

    def __init__(self, jobs: list[Job]) -> None:
        # Without emoji: the name of a model may stand between two colons, as in net.py:ring: fault.
        self._console = Console(stderr=True, emoji=False)
        alike = Counter((job.source, job.target) for job in jobs)
        self._names = {
            job: f"{job.source} ({job.options})" if job.options and alike[job.source, job.target] > 1 else job.source
            for job in jobs
        }
        self._lines = {job: _Line(backend_of(job.target.backend).has_ratio) for job in jobs}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While models are being tuned."""
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            yield
            return
        with Live(console=self._console, get_renderable=self._table, refresh_per_second=4) as self._live:
            yield
        self._live = None

    def lowering(self, job: Job) -> None:
        self._line(job).phase = "lowering"
        self._say(job, "lowering with ExecuTorch")

    def warning(self, job: Job, text: str) -> None:
        """Something that people should know of a job, though it goes on.

        Args:
            job: the model and its target.
            text: one line.
        """
        self._console.print(
            f"[yellow]warning:[/] {escape(f'{self._name(job)}: {text}')}", highlight=False, soft_wrap=True
        )

    def lowered(self, job: Job, base: Base) -> None:
        """The model is lowered; no candidate is evaluated yet.

        Args:
            job: the model and its target.
            base: what the model was lowered to.
        """
        for remark in base.remarks:
            self._console.print(f"{self._name(job)}: {remark}", highlight=False, markup=False, soft_wrap=True)

    def searching(
        self, job: Job, default: Evaluation, base: Base, best_so_far: int | None, error: PredictionError | None
    ) -> None:
        """The default is evaluated.

        Args:
            job: the model and its target.
            default: evaluation of the default lowering.
            base: what the model was lowered to.
            best_so_far: cycles that an earlier run of the same search reached; None if there was none.
            error: how far predictions for the job are off; None if it is not known.
        """
        line = self._line(job)
        line.error = error
        line.phase = "searching"
        line.searching_since = time.monotonic()
        line.default = line.best = default.figures.cycles if default.figures else None
        if best_so_far is not None:
            line.best = best_so_far
        self._say(job, f"default costs {_cost(job, default.figures)} (predicted{_off(line)}) in {base.summary}")

    def evaluated(self, job: Job, evaluations: int, distinct: int, record: Evaluation, offered: bool) -> None:
        """A candidate is evaluated.

        Args:
            job: the model and its target.
            evaluations: of this search so far, earlier runs included.
            distinct: programs that these came to.
            record: of the candidate.
            offered: it is right and within the limits.
        """
        line = self._line(job)
        if not line.evaluations:
            line.evaluations_before = evaluations - 1
        line.evaluations, line.distinct = evaluations, distinct
        if record.status != "ok":
            self._say(job, f"{record.recipe}: {record.status}, {record.reason}")
        elif record.quality is not None and record.quality.shortfall:
            self._say(job, f"{record.recipe}: not offered, {record.quality.shortfall}")
        elif offered and record.figures and line.best is not None and record.figures.cycles < line.best:
            line.best = record.figures.cycles
            self._say(job, f"{_cost(job, record.figures)}{_in_brackets(_gain(line), _off(line))} by {record.recipe}")

    def tied(self, job: Job, cheapest: Evaluation) -> None:
        """The best is not the candidate with the lowest estimate.

        Args:
            job: the model and its target.
            cheapest: that candidate. The estimate does not tell it from the best, which has the smaller file.
        """
        cost = _cost(job, cheapest.figures)
        self._say(job, f"{cost} by {cheapest.recipe} are within the error of the best's, which has the smaller file")

    def done(self, job: Job, best: Best) -> None:
        """The search is over and its best is stored.

        Args:
            job: the model and its target.
            best: what the store holds.
        """
        line = self._line(job)
        line.phase = best.status
        line.best = best.best.figures.cycles if best.best.figures else None
        line.default = best.default.figures.cycles if best.default.figures else None
        self._say(
            job,
            f"done, {best.status}: {_cost(job, best.best.figures)}"
            f"{_in_brackets(_gain(line), _off(line), _of_wrong(best))} by {best.recipe}, {proof(best.best)}",
        )

    def left(self, job: Job, why: str) -> None:
        """The job is not tuned now.

        Args:
            job: the model and its target.
            why: one line.
        """
        self._line(job).phase = "left"
        self._say(job, why)

    def failed(self, job: Job, reason: str) -> None:
        """The job failed.

        Args:
            job: the model and its target.
            reason: one line.
        """
        self._line(job).phase = "failed"
        self._console.print(f"[red]error:[/] {escape(reason)}", highlight=False, soft_wrap=True)

    def _line(self, job: Job) -> _Line:
        return self._lines[job]

    def _name(self, job: Job) -> str:
        return f"{self._names[job]} on {job.target.label}"

    def _say(self, job: Job, text: str) -> None:
        if self._live is None:
            self._console.print(f"{self._name(job)}: {text}", highlight=False, markup=False, soft_wrap=True)

    def _table(self) -> Table:
        """With as many columns as the terminal has room for: a number that is cut off is worse than none."""
        for left_out in range(len(_DISPENSABLE) + 1):
            table = self._table_without(_DISPENSABLE[:left_out])
            options = self._console.options.update_width(10_000)
            if Measurement.get(self._console, options, table).maximum <= self._console.width:
                break
        return table

    def _table_without(self, left_out: tuple[str, ...]) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("model", "target", "default", "best", "gain", "tried", "distinct", "per s", ""):
            if heading not in left_out:
                words = heading in ("model", "target", "")
                table.add_column(heading, justify="left" if words else "right", no_wrap=True)
        active = [entry for entry in self._lines.items() if entry[1].phase in ("lowering", "searching")]
        finished = [
            entry for entry in self._lines.items() if entry[1].phase not in ("lowering", "searching", "waiting")
        ]
        room = max(1, min(_SHOWN, self._console.height - 4) - len(active))
        for job, line in finished[-room:] + active:
            cells = {
                "model": self._names[job], "target": job.target.label, "default": _number(line.default),
                "best": _number(line.best), "gain": _gain(line), "tried": str(line.evaluations or ""),
                "distinct": str(line.distinct or ""), "per s": _rate(line), "": line.phase,
            }  # fmt: skip
            table.add_row(*(escape(cell) for heading, cell in cells.items() if heading not in left_out))
        waiting = sum(line.phase == "waiting" for line in self._lines.values())
        table.caption = f"{len(finished)} done, {len(active)} under way, {waiting} waiting; all numbers are predicted"
        errors = sorted({str(line.error) for line in self._lines.values() if line.error is not None})
        if errors:
            table.caption += f", {' or '.join(errors)}"
        return table


def proof(evaluation: Evaluation) -> str:
    """What was found out about a verified candidate's outputs, in a few words."""
    return (
        "outputs bit-exact" if evaluation.bit_exact else f"{evaluation.exactness}, not bit-exact: {evaluation.quality}"
    )


def _cost(job: Job, figures: Figures | None) -> str:
    return "" if figures is None else backend_of(job.target.backend).cost_text(figures.cycles, figures.metrics)


def _in_brackets(*parts: str) -> str:
    """What is said of a cost behind it; nothing where all parts are empty."""
    said = "".join(parts).removeprefix(",").strip()
    return f" ({said})" if said else ""


def _of_wrong(best: Best) -> str:
    return " against a default that computes wrong outputs" if best.default_fault else ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _gain(line: _Line) -> str:
    if not line.has_ratio or not line.default or line.best is None:
        return ""
    return f"{100 * (line.best - line.default) / line.default:+.1f} %"


def _off(line: _Line) -> str:
    """How far predictions are off, and whether a gain that stands before it is smaller than that."""
    if line.error is None:
        return ""
    within = line.default is not None and line.best is not None and line.error.covers(Gain(line.default, line.best))
    return f", {line.error}, {WITHIN}" if within else f", {line.error}"


def _rate(line: _Line) -> str:
    if line.searching_since is None or line.phase != "searching":
        return ""
    return f"{(line.evaluations - line.evaluations_before) / max(1e-3, time.monotonic() - line.searching_since):.1f}"
