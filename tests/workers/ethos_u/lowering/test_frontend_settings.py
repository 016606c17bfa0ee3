"""Lowering choices that ExecuTorch takes: what they make of small nets, and that only right ones enter the space."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_space.choices.frontend.base import FrontendChoice, Setting
from search_space.exactness import Exactness
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe
from workers import tasks
from workers.checking.allowance import Allowance
from workers.ethos_u.lowering import frontend
from workers.ethos_u.lowering import frontend_settings as settings
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.frontend_settings import SettingStatus
from workers.ethos_u.lowering.lowering import lowered_program, quantised_program
from workers.ethos_u.target import Target
from workers.evaluator import Outcome
from workers.models.exported.tensors import tensors
from workers.models.types import ExportedModel
from workers.output_capture import toolchain_hushed
from workers.pool.shared import Enclosed

U55 = Target.parse("ethos-u55-128")

NETS = """
import torch
from torch.nn import functional


class Net(torch.nn.Module):
    def __init__(self, window):
        super().__init__()
        self.first = torch.nn.Conv2d(2, 64, 3, padding=1)
        self.second = torch.nn.Conv2d(64, 4, 1)
        self.window = window

    def forward(self, x):
        return self.second(self.between(self.first(x)))


class Gate(Net):
    def between(self, x):
        return functional.hardsigmoid(torch.tanh_(x), inplace=True)


class Pool(Net):
    def between(self, x):
        return functional.avg_pool2d(x, self.window)


def made(kind, window):
    torch.manual_seed(0)
    samples = [(2 * torch.randn(1, 2, window[0] + 1, window[1]),) for _ in range(3)]
    return kind(window).eval().requires_grad_(False), samples[0], samples


def gate():
    return made(Gate, (5, 7))


def odd():
    return made(Pool, (5, 7))


def even():
    return made(Pool, (10, 5))


def stem(shape, kind, *first, **more):
    torch.manual_seed(0)
    layers = kind(shape[1], 8, *first, **more), torch.nn.ReLU(), kind(8, 4, 1)
    samples = [(torch.randn(shape),) for _ in range(3)]
    return torch.nn.Sequential(*layers).eval().requires_grad_(False), samples[0], samples


def sound():
    return stem((1, 1, 160), torch.nn.Conv1d, 10, stride=5, padding=3)


def image():
    return stem((1, 3, 23, 18), torch.nn.Conv2d, (7, 5), stride=4, padding=(3, 1))


def plain():
    return made(lambda _: torch.nn.Conv2d(2, 4, 1), (4, 4))
"""


@pytest.fixture
def job(tmp_path: Path, request: pytest.FixtureRequest) -> tasks.Job:
    (tmp_path / "nets.py").write_text(NETS)
    return tasks.Job(f"{tmp_path / 'nets.py'}:{request.param}", U55, tmp_path / "cache", 0)


def outcome(prepared: tasks.Prepared, job: tasks.Job, recipe: str) -> Outcome:
    return tasks.evaluate(Enclosed(prepared.base), prepared.base.key, job, recipe)


def a_successor(prepared: tasks.Prepared, job: tasks.Job, recipe: str) -> tuple[str, str]:
    """A pass that changes the recipe's program, and the program it makes."""
    found = tasks.expansion(Enclosed(prepared.base), prepared.base.key, job, recipe)
    return next(iter(found.successors.items()))


def setting_of(recipe: str) -> Setting:
    return Recipe.parse(recipe).setting


def test_every_frontend_choice_has_its_file_and_every_file_its_choice() -> None:
    declared = {name for name, kind in registry.choices().items() if issubclass(kind, FrontendChoice)}
    files = {
        path.stem.replace("_", "-")
        for path in Path(frontend.__file__).parent.glob("*.py")
        if re.search("^def (lowering|quantising)[(]", path.read_text(), re.MULTILINE)
    }
    assert files == declared


def test_a_recipe_says_its_setting() -> None:
    recipe = Recipe.parse("host-pool=odd,conv1d=along-h,host-function=table | fold-constants")
    assert recipe.setting == (("host-function", "table"), ("host-pool", "odd"))


@pytest.mark.parametrize("job", ["gate"], indirect=True)
def test_a_function_on_the_cpu_becomes_a_table_and_the_program_one_delegate(job: tasks.Job) -> None:
    prepared = tasks.prepare(job)
    (setting,) = frontend.open_settings(prepared.base.host_operators)
    assert setting == setting_of("host-function=table")
    assert settings.setting_status(prepared.base, setting, job) == SettingStatus("ok")
    default, tabulated = (outcome(prepared, job, text) for text in ("default", "host-function=table"))
    assert default.cost is not None and tabulated.cost is not None
    assert default.cost["host_ops"] > 2 and len(default.cost.artifact_sha256) == 2
    assert tabulated.cost["host_ops"] == 2 and len(tabulated.cost.artifact_sha256) == 1
    assert tabulated.cost["host_cycles"] < default.cost["host_cycles"]
    bounds = [
        tasks.bound(Enclosed(prepared.base), prepared.base.key, job, text)
        for text in ("default", "host-function=table")
    ]
    assert bounds[0].moved_bytes > bounds[1].moved_bytes, "nothing goes out to the CPU and back"
    name, program = a_successor(prepared, job, "host-function=table")
    longer = outcome(prepared, job, f"host-function=table | {name}")
    assert (longer.status, longer.program_hash) == ("ok", program), "passes go on from what the setting lowers to"


@pytest.mark.parametrize("job", ["odd"], indirect=True)
def test_a_mean_of_an_odd_number_of_values_moves_to_the_npu(job: tasks.Job) -> None:
    prepared = tasks.prepare(job)
    assert len(prepared.base.graphs) == 2
    assert settings.setting_status(prepared.base, setting_of("host-pool=odd"), job) == SettingStatus("ok")
    moved = settings.base_by(prepared.base, setting_of("host-pool=odd"), job)
    assert len(moved.graphs) == 1 and len(moved.host_operators) == 2


@pytest.mark.parametrize("job", ["even"], indirect=True)
def test_a_mean_with_ties_moves_only_where_other_rounding_is_allowed(job: tasks.Job) -> None:
    prepared = tasks.prepare(job)
    on_host = prepared.base.host_operators
    assert frontend.open_settings(on_host) == [setting_of("host-pool=odd")]
    refused = outcome(prepared, job, "host-pool=any")
    assert (refused.status, refused.cost) == (
        "refused",
        None,
    ) and "requantising, which is not allowed" in refused.reason

    allowing = replace(job, allowance=Allowance(Exactness.REQUANTISING))
    assert setting_of("host-pool=any") in frontend.open_settings(on_host, Exactness.REQUANTISING)
    prepared = tasks.prepare(allowing)
    given = Enclosed(prepared.base)
    starts = tasks.enter(given, prepared.base.key, allowing, setting_of("host-pool=any"))
    assert starts is not None
    default, moved = (outcome(prepared, allowing, text) for text in ("default", "host-pool=any"))
    assert (moved.status, moved.exactness) == ("ok", Exactness.REQUANTISING)
    assert default.quality == moved.default_quality is not None
    assert moved.quality is not None and moved.quality != moved.default_quality, "ties round the other way"
    assert abs(moved.quality.sqnr_db - moved.default_quality.sqnr_db) < 3
    name, program = a_successor(prepared, allowing, "host-pool=any")
    longer = outcome(prepared, allowing, f"host-pool=any | {name}")
    assert (longer.status, longer.program_hash, longer.quality) == ("ok", program, moved.quality)


@pytest.mark.parametrize("job", ["sound", "image"], indirect=True)
def test_a_strided_convolution_with_padding_moves_to_the_npu(job: tasks.Job) -> None:
    job = replace(job, allowance=Allowance(Exactness.REQUANTISING))
    prepared = tasks.prepare(job)
    assert any("convolution" in one.name for one in prepared.base.host_operators)
    setting = setting_of("host-conv=pad")
    assert setting in frontend.open_settings(prepared.base.host_operators, Exactness.REQUANTISING)
    assert setting not in frontend.open_settings(prepared.base.host_operators)
    moved = settings.base_by(prepared.base, setting, job)
    assert len(moved.host_operators) == 2 and len(moved.graphs) == 1
    model = exported_model(job.source, None)
    assert model is not None
    inputs = model.example_inputs
    steps = [_outputs(model, job, inputs, which) for which in ((), setting)]
    scale = np.diff(np.unique(steps[0])).min()
    assert np.abs(steps[0] - steps[1]).max() < 1.5 * scale, "one step where the two round differently"
    assert np.mean(steps[0] == steps[1]) > 0.9


def _outputs(model: ExportedModel, job: tasks.Job, inputs: tuple[Any, ...], setting: Setting) -> np.ndarray:
    with toolchain_hushed():
        quantised = quantised_program(model, job.target, seed=job.seed, setting=setting)
        program = lowered_program(model, job.target, quantised, setting).module(check_guards=False)
        (output,) = tensors(run_lowered(program, inputs))
    return output.numpy()


@pytest.mark.parametrize("job", ["plain"], indirect=True)
def test_a_setting_that_cost_the_process_is_not_tried_again(job: tasks.Job) -> None:
    prepared = tasks.prepare(job)
    assert frontend.open_settings(prepared.base.host_operators) == []
    setting = setting_of("host-function=table")
    settings.remember_lost(prepared.base, setting, job, "it crashed")
    lowered = set((job.cache_dir / "lowered").iterdir())
    assert settings.setting_status(prepared.base, setting, job) == SettingStatus("refused", "it crashed")
    assert outcome(prepared, job, "host-function=table").reason == "it crashed"
    assert set((job.cache_dir / "lowered").iterdir()) == lowered
    other = replace(prepared.base, key="of other versions")
    assert settings.setting_status(other, setting, job).status == "same"


def test_the_cpu_s_mean_of_an_odd_number_rounds_as_avg_pool2d_does() -> None:
    """Every sum that is nearest to a tie, for every size of window and some scales; in PyTorch, and the reciprocal that
    TOSA multiplies with (TOSA 1.0, RECIPROCAL_SCALE and APPLY_SCALE_32)."""
    import torch
    import torchao.quantization.pt2e.quantize_pt2e  # noqa: F401  registers the operators

    from workers.ethos_u.lowering.frontend.host_pool import LARGEST_ODD

    for count, scale in product(range(1, LARGEST_ODD + 1, 2), (0.0123, 0.7)):
        wanted = torch.arange(-128, 127)
        near = wanted * count + count // 2  # rounds down to `wanted`; one more rounds up
        for sums, rounded in ((near, wanted), (near + 1, wanted + 1)):
            each, rest = torch.div(sums, count, rounding_mode="floor"), torch.remainder(sums, count)
            values = each[:, None] + (torch.arange(count)[None] < rest[:, None])
            mean = torch.nn.functional.avg_pool2d((values.float() * scale)[:, None, None], (1, count)).ravel()
            quantise = torch.ops.quantized_decomposed.quantize_per_tensor.default
            assert torch.equal(quantise(mean, scale, 0, -128, 127, torch.int8).long(), rounded)
            assert np.array_equal(_scaled(sums.numpy(), count), rounded.numpy())


def _scaled(sums: np.ndarray, count: int) -> np.ndarray:
    bits = (count - 1).bit_length()
    multiplier, shift = (((1 << 30) + 1) << bits) // count, 30 + bits
    return (sums.astype(object) * multiplier + (1 << shift - 1)) >> shift
