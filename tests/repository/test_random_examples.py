"""Random examples of a seed are the same whatever was imported before, or a failure in CI could not be made again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import TESTS

_DRAWS = """
import sys
sys.path[:0] = {folders}
import conftest
{imports}
from hypothesis import given, settings, strategies

@settings(derandomize=True, database=None, max_examples=300)
@given(strategies.integers())
def draw(number):
    print(number)

draw()
"""


def _drawn(folders: list[str], imports: str) -> str:
    script = _DRAWS.format(folders=folders, imports=imports)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout


def test_examples_do_not_depend_on_imported_modules(tmp_path: Path) -> None:
    (tmp_path / "some_constants.py").write_text("VALUES = " + repr([7_777_000 + number for number in range(100)]))
    folders = [str(TESTS), str(tmp_path)]
    drawn = _drawn(folders, imports="")
    assert len(set(drawn.split())) > 100
    assert drawn == _drawn(folders, imports="import some_constants")
