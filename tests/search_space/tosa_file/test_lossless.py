"""Reading and writing a program that ExecuTorch wrote loses nothing that Vela or the reference model sees."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs.lowered import Lowered
from tosa_reference_model import GraphStatus, run

from search_space.ir.verifier import problems
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from workers.checking.check_inputs import check_inputs
from workers.ethos_u.lowering.base_program import load_or_lower
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa
from workers.output_capture import captured

TARGETS = ["ethos-u55-128", "ethos-u85-256"]


def assert_lossless(original: bytes, target: Target) -> None:
    graph = read_tosa(original)
    assert problems(graph) == []
    written = write_tosa(graph)
    assert read_tosa(written).hash == graph.hash
    assert write_tosa(read_tosa(written)) == written
    before, after = compile_tosa(original, target), compile_tosa(written, target)
    assert after.command_stream == before.command_stream
    assert after.weights == before.weights
    assert after.vela_cycles == before.vela_cycles
    for one in check_inputs(graph, (), seed=1):
        with captured():
            (expected, status), (actual, other) = (run(data, list(one.arrays)) for data in (original, written))
        assert status == other == GraphStatus.TOSA_VALID
        assert [(a.shape, a.dtype, a.tobytes()) for a in actual] == [(a.shape, a.dtype, a.tobytes()) for a in expected]


@pytest.mark.parametrize("accelerator", TARGETS)
def test_a_small_model(stock: Callable[[str], Lowered], accelerator: str) -> None:
    programs = stock(accelerator).tosa
    assert programs
    for program in programs:
        assert_lossless(program, Target.parse(accelerator))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "accelerator"),
    [("yolo-head", "ethos-u55-128"), ("unet", "ethos-u85-256"), ("silero-vad", "ethos-u85-256")],
)
def test_models_of_the_suite(model: str, accelerator: str, tmp_path: Path) -> None:
    target = Target.parse(accelerator)
    base = load_or_lower(model, target, cache_dir=tmp_path, seed=0)
    assert base.graphs
    for program in base.graphs:
        assert_lossless(program, target)
