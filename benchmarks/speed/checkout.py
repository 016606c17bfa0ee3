"""An older commit of velatune beside this one.

It is used by its command line only: its modules may lie elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Checkout:
    """Commands of one checkout, with a home of their own.

    Nothing is shared with the other one, or with the user.

    Attributes:
        folder: with the checkout's `pyproject.toml`.
        home: of caches, data and state; a new folder begins with nothing remembered.
    """

    folder: Path
    home: Path

    def run(self, *arguments: str, statuses: Sequence[int] = (0,)) -> str:
        """Run `velatune` with arguments.

        Args:
            arguments: of the command line.
            statuses: exit statuses that are no failure.

        Returns:
            What it printed on standard output.

        Raises:
            click.ClickException: it ended with another status.
        """
        module, function = self._project()["scripts"]["velatune"].split(":")
        script = f"import sys; sys.argv[0] = 'velatune'; from {module} import {function}; {function}()"
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", script, *arguments],
            env=self._environment(), cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            printed, said = process.communicate()
        except BaseException:
            process.terminate()  # velatune ends its workers then, which a killed one leaves behind
            process.wait()
            raise
        if process.returncode not in statuses:
            last = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise click.ClickException(f"velatune {' '.join(arguments)} of {self.folder} failed: {last}")
        return printed

    def install(self) -> None:
        """Give the checkout's entry points a place before those of the installed velatune: they name its modules."""
        project = self._project()
        metadata = self.home / "installed" / f"velatune-{project['version']}.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: velatune\nVersion: {project['version']}\n")
        lines = []
        for group, points in project.get("entry-points", {}).items():
            lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")

    def _project(self) -> dict[str, Any]:
        project: dict[str, Any] = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        return project

    def _environment(self) -> dict[str, str]:
        own = {f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "DATA", "STATE", "CONFIG")}
        path = os.pathsep.join((str(self.home / "installed"), str(self.folder)))
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VELATUNE_")}
        return kept | own | threads | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def this() -> Path:
    """The folder of this checkout."""
    return _ROOT


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    """A checkout of another revision for the time of the block.

    Args:
        revision: a commit of this repository, or a folder that is a checkout already.
        folder: where a commit is checked out; it must not be there yet.

    Yields:
        The folder of the checkout.

    Raises:
        click.ClickException: git does not know the revision.
    """
    if (Path(revision) / "pyproject.toml").is_file():
        yield Path(revision).resolve()
        return
    git = ["git", "-C", str(_ROOT), "worktree"]
    added = subprocess.run([*git, "add", "--detach", folder, revision], capture_output=True, text=True, check=False)
    if added.returncode:
        said = added.stderr.strip().splitlines()[-1]
        raise click.ClickException(f"{revision}: neither a checkout nor a commit ({said})")
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", folder], capture_output=True, check=True)
