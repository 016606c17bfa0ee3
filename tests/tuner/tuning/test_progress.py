"""What the table of a run shows on terminals of several sizes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from support.samples.sample_results import IDENTITY, best

from search_space.exactness import Exactness
from tuner.tuning.progress import Progress
from workers.backend.job import Job
from workers.checking.allowance import Allowance
from workers.ethos_u.target import Target

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


def test_jobs_that_differ_in_options_alone_are_distinguished(capsys: pytest.CaptureFixture[str]) -> None:
    free = [replace(JOBS[0], allowance=Allowance(Exactness.REQUANTISING, loss)) for loss in (1, 2.5)]
    progress = Progress([JOBS[0], *free, JOBS[1]])
    progress.failed(free[0], "one of three")
    for job in (*free, JOBS[0]):
        progress.left(job, "fresh")
    said = capsys.readouterr().err.splitlines()[1:]
    assert said == [
        f"{JOBS[0].source} (up to requantising, at most 1 dB less) on ethos-u85-256: fresh",
        f"{JOBS[0].source} (up to requantising, at most 2.5 dB less) on ethos-u85-256: fresh",
        f"{JOBS[0].source} on ethos-u85-256: fresh",
    ]
    assert [line.phase for line in progress._lines.values()] == ["left", "left", "left", "waiting"]


def test_a_name_between_colons_is_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    job = replace(JOBS[0], source="net.py:ring")
    progress = Progress([job])
    progress.warning(job, "net.py:ring: slow")
    progress.failed(job, "net.py:ring: cannot be exported")
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "warning: net.py:ring on ethos-u85-256: net.py:ring: slow",
        "error: net.py:ring: cannot be exported",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_number_is_cut_off(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    table = shown(width, monkeypatch)
    assert JOBS[1].source in table
    assert "60" in table and "-40.0 %" in table and "exhausted" in table
    assert "\N{HORIZONTAL ELLIPSIS}" not in table
    assert ("distinct" in table) == (width == 200)


def test_a_terminal_that_cannot_redraw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "done, exhausted: 60 cycles" in shown(80, monkeypatch, term="dumb")
