"""Files that Vela writes as `.tflite`: the same command streams, in another file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from tuner.cli import cli
from velatune.testing.program import Program
from workers.checking.reference import run_reference
from workers.errors import ModelError
from workers.ethos_u.files.run_tflite import TfliteProgram
from workers.ethos_u.files.tflite import read_tflite
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.output_capture import captured

Written = Callable[[Graph, str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written(graph, accelerator)`: a TOSA program as Vela writes it with `--output-format=tflite`."""
    from ethosu.vela import vela

    def write(graph: Graph, accelerator: str) -> Path:
        target = Target.parse(accelerator)
        (tmp_path / "program.tosa").write_bytes(write_tosa(graph))
        with captured():
            vela.main([
                str(tmp_path / "program.tosa"), f"--accelerator-config={accelerator}", f"--config={target.vela_config}",
                f"--system-config={target.system_config}", f"--memory-mode={target.memory_mode}",
                "--output-format=tflite", f"--output-dir={tmp_path}",
            ])  # fmt: skip
        return tmp_path / "program_vela.tflite"

    return write


def two_outputs() -> Graph:
    p = Program()
    x, y = p.input(1, 8, 6, 16), p.input(1, 8, 6, 24)
    return p.graph(p.add(p.conv(x, 24, (3, 3)), y), p.table(x))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_the_npu_is_given_what_vela_gives_executorch(written: Written, accelerator: str) -> None:
    graph = two_outputs()
    path = written(graph, accelerator)
    file = read_tflite(path)
    (operator,) = file.operators
    expected = compile_tosa(write_tosa(graph), Target.parse(accelerator)).npu_program
    found = operator.npu_program
    assert found.command_stream == expected.command_stream and found.constants == expected.constants
    assert (found.arena_bytes, found.fast_bytes) == (expected.arena_bytes, expected.fast_bytes)
    assert found.inputs == expected.inputs and set(found.outputs) == set(expected.outputs)
    random = np.random.default_rng(0)
    inputs = [random.integers(-128, 128, graph[i].type.shape).astype(np.int8) for i in graph.inputs]
    for one, wanted in zip(TfliteProgram(path).run(inputs), run_reference(graph, inputs), strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_the_commands_take_it(written: Written, tmp_path: Path) -> None:
    graph = two_outputs()
    path = written(graph, "ethos-u55-128")
    listed = CliRunner().invoke(cli, ["disasm", str(path)])
    assert listed.exit_code == 0 and listed.output.startswith("delegate 0, ethos-u55-128, ")
    ran = CliRunner().invoke(cli, ["run", str(path), "--output", str(tmp_path / "outputs.npz")])
    assert ran.exit_code == 0 and ran.output.startswith("output 0: int8[1, 8, 6, 24] from ")
    again = CliRunner().invoke(cli, ["run", str(path), "--expect", str(tmp_path / "outputs.npz")])
    assert again.output.endswith("all outputs are as expected\n")


def test_files_that_are_none_or_damaged_are_refused_in_one_line(written: Written, tmp_path: Path) -> None:
    path = written(two_outputs(), "ethos-u55-128")
    content = path.read_bytes()
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(200):
        damaged = bytearray(content)
        damaged[random.integers(8, len(content))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_tflite(path)
        except ModelError as error:
            assert str(error).startswith(f"{path}: ") and str(error).isprintable()
            refused += 1
    assert refused > 5
    path.write_bytes(bytes(40))
    with pytest.raises(ModelError, match=r"not a \.tflite file$"):
        read_tflite(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_tflite(tmp_path / "missing.tflite")
