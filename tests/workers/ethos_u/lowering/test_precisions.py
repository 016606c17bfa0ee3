"""Which layers get other widths, and what they then compute."""

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.choices.frontend.precision import Precision
from search_space.exactness import Exactness
from search_space.tosa_file.reader import read_tosa
from workers import tasks
from workers.checking.allowance import Allowance
from workers.errors import ModelError
from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.frontend import quantising_by
from workers.ethos_u.lowering.layers import Layer
from workers.ethos_u.lowering.lowering import lower, lowered_program, quantised_program
from workers.ethos_u.lowering.precision.mixed_precision import MixedPrecision
from workers.ethos_u.lowering.precision.precisions import worth_lowering
from workers.ethos_u.lowering.write_pte import write_pte
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import command_stream_hash
from workers.evaluator import Outcome
from workers.models.calibration import calibration_for
from workers.models.types import ExportedModel
from workers.output_capture import toolchain_hushed
from workers.pool.shared import Enclosed

U55 = Target.parse("ethos-u55-128")

NET = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = torch.nn.Conv2d(3, 16, 3)
        self.narrow = torch.nn.Sequential(torch.nn.Conv2d(16, 8, 1, bias=False), torch.nn.BatchNorm2d(8))
        self.matrix = torch.nn.Parameter(torch.randn(4, 8, 1, 1))

    def forward(self, x):
        x = torch.tanh(self.narrow(torch.relu(self.wide(x))))
        return torch.nn.functional.conv2d(x, self.matrix)


def net():
    torch.manual_seed(0)
    samples = [(torch.randn(1, 3, 8, 8),) for _ in range(3)]
    return Net().eval(), samples[0], samples
"""

DB = st.floats(-60, -10)


@given(
    harms=st.lists(st.tuples(DB, DB, st.integers(1, 10**6)), min_size=1, max_size=12),
    loss=st.floats(0, 20),
)
def test_sets_keep_within_the_limit_and_none_is_twice(harms: list[tuple[float, float, int]], loss: float) -> None:
    """Layers that add noise independently of each other."""
    layers = [Layer(at + 1, f"layer {at}", weights) for at, (_, _, weights) in enumerate(harms)]
    by_int4, by_int8 = ({at + 1: 10 ** (one[kind] / 10) for at, one in enumerate(harms)} for kind in (0, 1))

    def noise(int4: Collection[int], int16: Collection[int]) -> float:
        return 1e-9 + sum(by_int4[n] for n in int4) + sum(value for n, value in by_int8.items() if n not in int16)

    found = worth_lowering(layers, noise, [loss])
    everything = set(range(1, len(layers) + 1))
    assert (everything, set()) in found and (set(), everything) in found
    assert all(int4 | int16 and not int4 & int16 for int4, int16 in found)
    assert len({(frozenset(int4), frozenset(int16)) for int4, int16 in found}) == len(found)
    limit = noise((), ()) * 10 ** (loss / 10)
    bearable = [n for n in everything if noise({n}, everything - {n}) <= limit]
    mixed = [int4 for int4, int16 in found if int4 and int4 | int16 == everything and noise(int4, int16) <= limit]
    assert bool(mixed) == bool(bearable)
    for number in set(bearable) - max(mixed, key=len, default=set()):
        int4 = max(mixed, key=len) | {number}
        assert noise(int4, everything - int4) > limit, "one more would do"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    path = tmp_path_factory.mktemp("net") / "net.py"
    path.write_text(NET)
    exported = exported_model(f"{path}:net")
    assert exported is not None
    return exported


def kinds_of_convolutions(graphs: tuple[bytes, ...]) -> list[tuple[str, str]]:
    """Element types of data and weights of each, in order."""
    return [
        (graph[graph[i].inputs[0]].type.dtype, graph[graph[i].inputs[1]].type.dtype)
        for graph in map(read_tosa, graphs)
        for i in graph.order
        if graph[i].op == "CONV2D"
    ]


def test_layers_are_lowered_with_the_widths_that_a_recipe_gives_them(model: ExportedModel) -> None:
    setting = ((Precision.name, "int16@2/int4@3"),)
    assert kinds_of_convolutions(lower(model, U55, seed=0, setting=setting).graphs) == [
        ("INT8", "INT8"),
        ("INT16", "INT8"),
        ("INT8", "INT4"),
    ]
    with pytest.raises(ModelError, match="no layer 4, the model has 3"):
        lower(model, U55, seed=0, setting=((Precision.name, "int4@4"),))


def test_noise_is_that_of_the_lowered_program(model: ExportedModel) -> None:
    setting = ((Precision.name, "int4@3/int16"),)
    samples = calibration_for(model.name, model.example_inputs, model.calibration_inputs, None, 0).samples
    with toolchain_hushed():
        mixed = MixedPrecision(model, U55, samples, len(samples))
        quantised = quantised_program(model, U55, seed=0, setting=setting)
        program = lowered_program(model, U55, quantised, setting).module(check_guards=False)
        off = signal = 0.0
        for sample in samples:
            wanted: Any = model.program.module(check_guards=False)(*sample)
            (got,) = run_lowered(program, sample)
            off += float((got - wanted).square().sum())
            signal += float(wanted.square().sum())
    assert [layer.name for layer in mixed.layers] == ["wide", "narrow.0", "conv2d_2"]
    predicted, found = (10 * math.log10(value) for value in (mixed.noise({3}, {1, 2}), off / signal))
    assert predicted == pytest.approx(found, abs=2), "dB"


@pytest.mark.slow
def test_a_recipe_is_measured_and_then_written_as_it_was_measured(model: ExportedModel, tmp_path: Path) -> None:
    allowed = Allowance(Exactness.PRECISION, max_loss_db=60.0)
    job = tasks.Job(model.name, U55, tmp_path / "cache", 0, allowance=allowed)
    base = tasks.prepare(job).base
    recipe = "precision=int4@1+3 | sink-transposes"

    def outcome(recipe: str, job: tasks.Job) -> Outcome:
        return tasks.evaluate(Enclosed(base), base.key, job, recipe)

    found, default = outcome(recipe, job), outcome("default", job)
    assert found.status == "ok" and found.exactness is Exactness.PRECISION, found.reason
    assert found.cost is not None and default.cost is not None and found.cost.flash_bytes < default.cost.flash_bytes
    assert found.quality is not None and found.default_quality == default.quality
    assert found.quality.sqnr_db < default.quality.sqnr_db
    unpacked = outcome(f"{recipe},int4-as-int8", job)
    assert unpacked.program_hash != found.program_hash
    assert unpacked.cost is not None and unpacked.cost.artifact_sha256 == found.cost.artifact_sha256
    assert outcome(recipe, replace(job, allowance=Allowance())).status == "refused"

    settings = tasks.measured_settings(Enclosed(base), base.key, job)
    assert settings[0] == ((Precision.name, "int4"),), "all of it bears 60 dB less"

    streams = Counter(found.cost.artifact_sha256)
    write_pte(job, recipe, b"{}", streams, tmp_path / "net.pte")
    assert (
        Counter(
            command_stream_hash(d.command_stream, d.weights)
            for d in delegates_of((tmp_path / "net.pte").read_bytes(), "")
        )
        == streams
    )


def test_what_is_lowered_by_such_a_recipe_has_to_be_quantised_by_it() -> None:
    with pytest.raises(ModelError, match="has to be quantised where"), quantising_by(((Precision.name, "int4"),)):
        pass
