"""Runs of a `.pte` by a command of the user's: what passes between the two, and what is refused."""

import sys
from pathlib import Path

import pytest
import torch

from workers.cortex_m.run.expected import Expected
from workers.cortex_m.run.runner import Counted, OutputsDiffer, run_by
from workers.errors import ModelError

#: Doubles what it is given, in the order of memory, and counts ten instructions per value.
DOUBLES = """
import json, pathlib, sys
import numpy as np
folder = pathlib.Path(sys.argv[-1])
(described,) = json.loads((folder / "tensors.json").read_text())["inputs"]
assert described == {"dtype": "float32", "shape": [1, 2, 3, 2], "order": [0, 2, 3, 1]}
assert (folder / "model.pte").read_bytes() == b"program"
values = np.fromfile(folder / "input0.bin", described["dtype"])
(2 * values).tofile(folder / "output0.bin")
print("booting")
print(json.dumps({sys.argv[1]: 10 * values.size}))
"""

INPUT = torch.arange(12.0).reshape(1, 2, 3, 2).to(memory_format=torch.channels_last)


def ran(folder: Path, script: str, *arguments: str, seconds: float = 60, expected: Expected | None = None) -> Counted:
    (folder / "runner.py").write_text(script)
    exchanged = folder / "exchanged"
    exchanged.mkdir()
    command = [sys.executable, str(folder / "runner.py"), *arguments]
    return run_by(command, b"program", [INPUT], expected or Expected([2 * INPUT], [None]), exchanged, seconds)


@pytest.mark.parametrize("unit", ["instructions", "cycles"])
def test_outputs_are_compared_in_the_order_of_memory(tmp_path: Path, unit: str) -> None:
    assert ran(tmp_path, DOUBLES, unit) == Counted(120, unit, 12)  # type: ignore[arg-type]


def test_other_outputs_are_refused(tmp_path: Path) -> None:
    other = 2 * INPUT
    other[0, 1, 2, 0] += 1
    with pytest.raises(OutputsDiffer, match=r"1 of 12 values of the outputs differ .* by up to 1$"):
        ran(tmp_path, DOUBLES, "cycles", expected=Expected([other], [None]))


@pytest.mark.parametrize(
    ("changed", "step", "rounding", "message"),
    [
        (0.5, 0.5, ["mean"], "by up to 1.0 steps; computed in float, where a processor may round otherwise: mean"),
        (1.5, 0.5, [], "by up to 3.0 steps"),
        (torch.nan, 0.5, [], "by up to inf steps"),
        (
            2.0**-18,
            None,
            ["mean", "bmm"],
            "by up to 3.8e-06; computed in float, where a processor may round otherwise: mean, bmm",
        ),
    ],
)
def test_outputs_that_differ_are_told_with_their_distance_and_what_may_round(
    tmp_path: Path, changed: float, step: float | None, rounding: list[str], message: str
) -> None:
    other = 2 * INPUT
    other[0, 1, 2, 0] += changed
    with pytest.raises(OutputsDiffer) as differ:
        ran(tmp_path, DOUBLES, "cycles", expected=Expected([other], [step], rounding))
    assert str(differ.value).endswith(f"1 of 12 values of the outputs differ from those computed here, {message}")


def test_a_zero_of_the_other_sign_is_no_equal_output(tmp_path: Path) -> None:
    other = 2 * INPUT
    other[0, 0, 0, 0] = -0.0
    with pytest.raises(OutputsDiffer, match=r"1 of 12 values of the outputs differ .* by up to 0$"):
        ran(tmp_path, DOUBLES, "cycles", expected=Expected([other], [0.5]))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit('no board')", "ended with status 1, no board"),
        ("print('done')", r"its last line is done, not \{\"instructions\": N\}"),
        ("print('{\"cycles\": 0}')", "its last line is"),
        ("", "its last line is empty"),
        ("print('{\"cycles\": 5}')", "output0.bin: the runner did not write it"),
        (
            "import sys; open(sys.argv[-1] + '/output0.bin', 'w'); print('{\"cycles\": 5}')",
            "0 bytes; the output has",
        ),
        ("import time; time.sleep(60)", "did not end within 1 seconds"),
    ],
)
def test_a_runner_that_fails_is_reported_in_one_line(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(ModelError, match=message) as refusal:
        ran(tmp_path, script, seconds=1 if "sleep" in script else 60)
    assert "\n" not in str(refusal.value)


def test_a_runner_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"missing-runner: cannot be started"):
        run_by([str(tmp_path / "missing-runner")], b"", [], Expected([], []), tmp_path, 1)
