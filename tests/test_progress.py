"""What the table of a run shows on terminals of several sizes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from sample_results import IDENTITY, best

from tuner.progress import Progress
from workers.target import Target
from workers.tasks import Job

JOBS = [
    Job(f"models/nets_of_mine.py:network_{n}", Target.parse("ethos-u85-256"), Path("cache"), seed=0) for n in range(3)
]


def shown(width: int, monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> str:
    """All that a run over three models says; one is found to be 40 % cheaper."""
    screen = io.StringIO()
    monkeypatch.setenv("TERM", term)
    progress = Progress(JOBS)
    progress._console = Console(file=screen, force_terminal=True, width=width, height=30, color_system=None)
    with progress.shown():
        progress.done(JOBS[1], best(cycles=60, identity=IDENTITY))
    return screen.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_cut_off(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = shown(width, monkeypatch)
    assert JOBS[1].source in table
    assert "60" in table and "-40.0 %" in table and "exhausted" in table
    assert "\N{HORIZONTAL ELLIPSIS}" not in table
    assert ("distinct" in table) == (width == 200)


def test_a_terminal_that_cannot_redraw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "done, exhausted: 60 cycles" in shown(80, monkeypatch, term="dumb")
