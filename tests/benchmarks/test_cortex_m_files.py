"""Files that a user's command runs: one that fails or differs is a row of the table and no error."""

import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from support.samples.nets_to_run import ABSOLUTE

from benchmarks.cortex_m.files import cortex_m_files
from benchmarks.cortex_m.tried import tried
from workers.cortex_m.guards.verdict import Severity
from workers.cortex_m.run.expected import Expected

BOARD = """
import pathlib, sys
import numpy as np
folder = pathlib.Path(sys.argv[-1])
if not (folder / "model.pte").read_bytes()[4:6] == b"ET":
    sys.exit("no program")
(np.abs(np.fromfile(folder / "input0.bin", "int32")) + int(sys.argv[1])).tofile(folder / "output0.bin")
print('{"instructions": 500}')
"""


def test_each_recipe_has_a_row_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(ABSOLUTE)
    (tmp_path / "board.py").write_text(BOARD)
    asked = [f"{tmp_path}/net.py:absolute", "--target", "cortex-m4", "--store", str(tmp_path / "own.sqlite")]
    said = CliRunner().invoke(cortex_m_files, [*asked, "--runner", f"{sys.executable} {tmp_path}/board.py 0"])
    assert said.exit_code == 0, said.output
    _, _, row = said.output.splitlines()
    _, recipe, outputs, counted, predicted, error, _, _ = row.split(" | ")
    assert (recipe, outputs, counted) == ("`default`", "equal", "500 instructions")
    assert float(error) == pytest.approx(100 * (int(predicted.replace(",", "")) / 500 - 1), abs=0.01)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (0, ["1 of 1 values between operators are those that Python computes."]),
        (3, ["| `aten_abs_default` | integers | 8 of 8 | 3 | 4 |", "0 of 1 values between operators are those"]),
    ],
)
def test_a_trace_names_the_operators_that_differ(tmp_path: Path, more: int, told: list[str]) -> None:
    (tmp_path / "net.py").write_text(ABSOLUTE)
    (tmp_path / "board.py").write_text(BOARD)
    asked = [f"{tmp_path}/net.py:absolute", "--target", "cortex-m4", "--recipe", "default", "--trace"]
    said = CliRunner().invoke(cortex_m_files, [*asked, "--runner", f"{sys.executable} {tmp_path}/board.py {more}"])
    assert said.exit_code == 0, said.output
    assert all(one in said.output for one in told), said.output


@pytest.mark.parametrize(
    ("content", "more", "fault", "message"),
    [
        (b"\0\0\0\0ET12", 0, None, "equal"),
        (b"\0\0\0\0ET12", 1, Severity.WRONG, "3 of 3 values of the outputs differ"),
        (b"damaged", 0, Severity.FAILS, "ended with status 1, no program"),
    ],
)
def test_what_came_of_a_file_is_distinguished(
    tmp_path: Path, content: bytes, more: int, fault: Severity | None, message: str
) -> None:
    (tmp_path / "board.py").write_text(BOARD)
    given = torch.tensor([-2, 0, 5], dtype=torch.int32)
    found = tried(
        [sys.executable, str(tmp_path / "board.py"), str(more)], content, [given], Expected([given.abs()], [None]), 60
    )
    assert found.fault is fault and message in found.outcome
    assert (found.counted is not None) == (fault is None)
