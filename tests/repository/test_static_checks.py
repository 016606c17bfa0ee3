"""Lint, format and types are clean."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = {"ruff": ("check", "."), "ruff-format": ("format", "--check", "."), "mypy": ()}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_nothing_is_found(name: str) -> None:
    tool = Path(sysconfig.get_path("scripts")) / name.partition("-")[0]
    done = subprocess.run([tool, *CHECKS[name]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
