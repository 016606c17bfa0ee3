"""What the objective is for, shown on nets that stock ExecuTorch lowers. A gain is one that the command stream shows.
Work on the host is part of the cost."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.processes.person import Person
from torch import nn

from results.records.compare import Gain
from search_space.tosa_file.reader import read_tosa
from tuner.cli import cli
from tuner.tuning.objective import Objective
from workers.backend.cost import Cost
from workers.cache.memo import Memo
from workers.ethos_u.command_stream import Kind, Operation, decode
from workers.ethos_u.cost.stream_cost import stream_cycles
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.metrics import cost_of
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import Compiled, compile_tosa
from workers.ethos_u.vela.pricing import Pricing
from workers.models.model_source import export
from workers.models.suite import MODELS
from workers.models.suite.build import random_model
from workers.models.suite.vision.fire import Fire
from workers.models.types import ExportedModel, SourceModel

pytestmark = pytest.mark.slow
U55 = Target.parse("ethos-u55-128")


@contextmanager
def without(pass_name: str) -> Iterator[None]:
    """ExecuTorch lowers without one of its passes, by the list of skipped passes that its pass manager keeps."""
    from executorch.backends.arm import _passes
    from executorch.backends.arm._passes.arm_pass_manager import ArmPassManager

    stock = ArmPassManager.configure_skip_passes

    def skip_one_more(manager: Any) -> tuple[type, ...]:
        manager._skip_pass_types = (*stock(manager), getattr(_passes, pass_name))
        return manager._skip_pass_types

    ArmPassManager.configure_skip_passes = skip_one_more
    try:
        yield
    finally:
        ArmPassManager.configure_skip_passes = stock


def pair_of(source: SourceModel) -> tuple[bytes, bytes]:
    """A net of one delegate, lowered with FuseQuantizedActivationPass and without it."""
    model: ExportedModel = export(source)
    (on,) = lower(model, U55, seed=0).graphs
    with without("FuseQuantizedActivationPass"):
        (off,) = lower(model, U55, seed=0).graphs
    assert on != off
    return on, off


@pytest.fixture
def priced(tmp_path: Path) -> Callable[[bytes], Cost]:
    pricing = Pricing(U55, Memo(tmp_path), {})
    return lambda tosa: cost_of(pricing.cost([read_tosa(tosa)], host_cycles=0), host_ops=0)


def gains(on: Cost, off: Cost) -> dict[str, float]:
    """What switching the pass off gains by each objective, in percent."""
    kinds = [Objective(kind).on("ethos-u") for kind in ("stream", "vela", "both")]
    return {one.kind: Gain(one.cycles(on, on), one.cycles(off, on)).percent for one in kinds}


def test_a_pass_switched_off_gains_nothing_where_the_stream_stays_the_same(priced: Callable[[bytes], Cost]) -> None:
    """ReLUs that are not fused into their convolutions stay behind as clamps that clamp nothing."""

    def stem_and_fire() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU(), Fire(16, 8, 16))

    on, off = map(priced, pair_of(random_model("one fire module", stem_and_fire, (1, 3, 32, 32), seed=3)))
    assert on.artifact_sha256 == off.artifact_sha256
    assert on["stream_cycles"] == off["stream_cycles"]
    assert off["vela_cycles"] < 0.9 * on["vela_cycles"], "the estimate is fooled"
    gained = gains(on, off)
    assert gained.pop("vela") > 10
    assert gained == {"stream": 0, "both": 0}


def test_where_the_streams_differ_the_difference_is_what_is_gained(priced: Callable[[bytes], Cost]) -> None:
    """The estimate also steers Vela's schedule. In the suite's fire net it takes other decisions about three copies of
    weights; every other operation is the same and costs the same."""
    programs = pair_of(MODELS["fire"]())
    on, off = map(priced, programs)
    assert gains(on, off)["vela"] > 10
    assert abs(on["stream_cycles"] - off["stream_cycles"]) < 0.01 * on["stream_cycles"]

    only_on, only_off = differing(*(compile_tosa(one, U55) for one in programs))
    assert {text.split()[0] for text in (*only_on, *only_off)} == {"copy", "convolution"}
    # Weights that were copied to SRAM first are read from flash, and others are copied in halves.
    assert copies(only_off) < copies(only_on)
    assert any(text.endswith("weights in flash") for text in only_off)
    assert all(text.endswith("weights in SRAM") for text in only_on if text.startswith("convolution"))
    saved = sum(only_on.values()) - sum(only_off.values())
    assert saved == on["stream_cycles"] - off["stream_cycles"]


def copies(operations: Iterable[str]) -> int:
    return sum(text.startswith("copy") for text in operations)


def differing(one: Compiled, other: Compiled) -> tuple[dict[str, int], dict[str, int]]:
    """Operations, and their stream cycles, that only one of two streams has; those that both have are in order."""
    lines = [described(one), described(other)]
    parts = difflib.SequenceMatcher(None, *lines, autojunk=False).get_opcodes()
    changed = [part for part in parts if part[0] != "equal"]
    return (
        dict(line for _, begin, end, _, _ in changed for line in lines[0][begin:end]),
        dict(line for _, _, _, begin, end in changed for line in lines[1][begin:end]),
    )


def described(compiled: Compiled) -> list[tuple[str, int]]:
    decoded = decode(compiled.command_stream)
    costs = stream_cycles(decoded, U55).operations
    return [(text_of(one), cost.cycles) for one, cost in zip(decoded.operations, costs, strict=True)]


def text_of(operation: Operation) -> str:
    if operation.dma is not None:
        return f"copy of {operation.dma.source.length_bytes} bytes"
    assert operation.ofm is not None
    if operation.kind is Kind.CONV:
        memory = "SRAM" if operation.registers["NPU_SET_WEIGHT_REGION"] else "flash"
        return f"convolution to {operation.registers['NPU_SET_OFM_DEPTH_M1'] + 1} channels, weights in {memory}"
    return f"{operation.kind} to {operation.ofm}"


NETS = """
import torch
from torch import nn
from torch.nn import functional as F

class Mobile(nn.Module):
    '''An inverted residual of MobileNetV3 with its stem and head: hard-swish, squeeze-excite, and a pool over
    24x24 that an Ethos-U55 leaves to the CPU.'''

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.expand = nn.Conv2d(16, 32, 1)
        self.depth = nn.Conv2d(32, 32, 3, padding=1, groups=32)
        self.squeeze, self.excite = nn.Conv2d(32, 8, 1), nn.Conv2d(8, 32, 1)
        self.project = nn.Conv2d(32, 16, 1)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = F.hardswish(self.stem(x))
        wide = F.hardswish(self.depth(F.hardswish(self.expand(x))))
        gate = F.hardsigmoid(self.excite(torch.relu(self.squeeze(F.adaptive_avg_pool2d(wide, 1)))))
        x = x + self.project(wide * gate)
        return self.head(F.avg_pool2d(x, x.shape[-1]).flatten(1))

def mobile():
    torch.manual_seed(5)
    inputs = [(torch.randn(1, 3, 48, 48),) for _ in range(2)]
    return Mobile(), inputs[0], inputs
"""


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    someone = Person(tmp_path_factory.mktemp("mobile"))
    (someone.home / "nets.py").write_text(NETS)
    return someone


@pytest.fixture(scope="module")
def tuned(person: Person) -> dict[str, Any]:
    """The best of a short search over the net for U55, by the worse of both estimates."""
    options = ("--target", U55.accelerator, "--objective", "both", "--trials", "6", "--jobs", "1")
    out, _ = person.types("tune", "nets.py:mobile", *options, "--store", "main.sqlite", "--json")
    (result,) = json.loads(out)
    return dict(result)


def test_work_on_the_host_is_in_the_cost_and_no_best_has_more_of_it(tuned: dict[str, Any]) -> None:
    default, best = tuned["default"], tuned["best"]
    of_default, of_best = default["metrics"], best["metrics"]
    assert of_default["delegates"] > 1 and of_default["host_ops"] > 0
    assert default["cycles"] == of_default["stream_cycles"] + of_default["host_cycles"]
    assert of_default["host_cycles"] > 0
    assert tuned["evaluations"] > 1 and tuned["verified"]
    assert best["cycles"] < default["cycles"]
    for what in ("delegates", "host_ops", "host_cycles"):
        assert of_best[what] <= of_default[what]


def looked_up(person: Person, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """Exit status of `velatune lookup`, in this process, which has the toolchain loaded."""
    monkeypatch.chdir(person.home)
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, person.environment[name])
    arguments = ["lookup", "nets.py:mobile", "--target", U55.accelerator, "--store", "main.sqlite", *options]
    return CliRunner().invoke(cli, arguments).exit_code


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--objective", "both"), 0),
        ((), 4),
        (("--objective", "vela"), 4),
        (("--objective", "both", "--max-sram", "1000000"), 4),
    ],
)
def test_a_result_under_another_objective_is_another_result(
    tuned: dict[str, Any], person: Person, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], status: int
) -> None:
    assert looked_up(person, monkeypatch, *options) == status


def test_a_limit_that_nothing_reaches_is_reported_in_one_line(tuned: dict[str, Any], person: Person) -> None:
    options = ("--target", U55.accelerator, "--max-sram", "1000", "--trials", "3", "--jobs", "1")
    _, err = person.types("tune", "nets.py:mobile", *options, "--store", "limited.sqlite", expect=2)
    errors = [line for line in err.splitlines() if "error:" in line or "failed" in line]
    assert len(errors) == 1, err
    sram = tuned["default"]["sram_bytes"]
    assert f"of the default lowering the bytes of SRAM {sram:,} are more than 1,000" in " ".join(err.split())
    assert "Traceback" not in err
