"""`velatune run`"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.programs.lowered import Lowered

from tuner.cli import cli
from workers.errors import ModelError
from workers.ethos_u.command_stream import Kind, decode
from workers.ethos_u.files.pte import read_pte
from workers.ethos_u.files.run_pte import run_pte

Stock = Callable[[str], Lowered]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["run", *map(str, arguments)])


@pytest.fixture
def pte(stock: Stock, tmp_path: Path) -> Path:
    path = tmp_path / "small.pte"
    path.write_bytes(stock("ethos-u55-128").pte)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.npy"
    np.save(path, np.random.default_rng(5).normal(size=(1, 3, 16, 16)))  # float64, as numpy makes it
    return path


def test_outputs_are_written_and_compared(pte: Path, image: Path, tmp_path: Path) -> None:
    (expected,) = run_pte(pte, [np.load(image).astype(np.float32)])
    assert np.ptp(expected) > 0
    folder, archive = tmp_path / "outputs", tmp_path / "outputs.npz"
    for place in (folder, archive):
        result = run(pte, "--input", image, "--output", place)
        assert result.exit_code == 0, result.output
        assert result.output == f"output 0: float32[1, 10] from {expected.min()!s} to {expected.max()!s}\n"
    np.testing.assert_array_equal(np.load(folder / "output_0.npy"), expected)
    np.testing.assert_array_equal(np.load(archive)["output_0"], expected)
    same = run(pte, "--input", image, "--expect", archive)
    assert same.exit_code == 0 and same.output.endswith(f"{pte}: all outputs are as expected\n")
    expected[0, [3, 7]] += 1
    np.save(tmp_path / "others.npy", expected)
    other = run(pte, "--input", image, "--expect", tmp_path / "others.npy")
    assert isinstance(other.exception, ModelError)
    assert str(other.exception).startswith(f"{pte}: 2 of 10 values of output 0 differ, the first at [0, 3]: ")


def test_random_inputs_are_those_of_the_seed(pte: Path) -> None:
    first, again, other = (run(pte, "--seed", seed).output for seed in (1, 1, 2))
    assert first == again != other


def test_trace_tells_of_every_operation_that_computes(pte: Path, image: Path) -> None:
    heading, *lines, _ = run(pte, "--input", image, "--trace").output.splitlines()
    assert heading.split()[:3] == ["delegate", "operation", "kind"]
    answer = json.loads(run(pte, "--input", image, "--trace", "--json").output)
    reported = [(one["delegate"], one["index"], one["kind"].split()[0]) for one in answer["operations"]]
    assert reported == [
        (delegate, index, str(operation.kind))
        for delegate, one in enumerate(read_pte(pte))
        for index, operation in enumerate(decode(one.command_stream).operations)
        if operation.kind is not Kind.DMA
    ]
    assert [tuple(map(int, line.split()[:2])) for line in lines] == [one[:2] for one in reported]
    for one in answer["operations"]:
        assert -128 <= one["low"] <= one["high"] <= 127
    # The last operation writes the delegate's output, which is then dequantised: whole steps above the lowest value.
    (expected,) = run_pte(pte, [np.load(image).astype(np.float32)])
    (output,), last = answer["outputs"], answer["operations"][-1]
    assert (output["min"], output["max"]) == (expected.min(), expected.max())
    steps = (expected - expected.min()) * (last["high"] - last["low"]) / np.ptp(expected)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--input", "nothing.npy"), "nothing.npy: cannot be read"),
        (("--input", "bad.npz"), "bad.npz: not a .npy or .npz file of plain arrays"),
        (("--input", "objects.npy"), "objects.npy: not a .npy or .npz file of plain arrays"),
        (("--input", "image.npy", "--input", "image.npy"), "it takes 1 inputs, 2 were given"),
        (("--input", "flat.npy"), "input 0 is float32[768], it takes float32[1, 3, 16, 16]"),
        (("--input", "whole.npy"), "input 0 is int64[1, 3, 16, 16], it takes float32[1, 3, 16, 16]"),
        (("--method", "backward"), "it has no method backward, only forward"),
        (("--expect", "image.npy"), "output 0 is float32[1, 10] instead of float64[1, 3, 16, 16]"),
    ],
)
def test_what_cannot_be_used_is_reported_in_a_line(
    pte: Path, image: Path, options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(image.parent)
    Path("bad.npz").write_bytes(b"PK\3\4 and so on")
    np.save("objects.npy", np.array([{}, 1], object), allow_pickle=True)
    np.save("flat.npy", np.zeros(768))
    np.save("whole.npy", np.zeros((1, 3, 16, 16), np.int64))
    result = run(pte, *options)
    assert isinstance(result.exception, ModelError)
    assert said in str(result.exception) and "\n" not in str(result.exception)
