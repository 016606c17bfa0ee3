"""How near programs come to the float model, and what that lets through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.forgetful import Forgetful

from search_space.exactness import Exactness
from search_space.ir.editor import Editor
from search_space.ir.graph import constant
from search_space.passes.base import Pass
from search_space.recipe import registry
from tuner.tuning.evaluation.evaluations import shortfalls
from tuner.tuning.objective import Objective
from workers import tasks
from workers.checking.allowance import Allowance, Metric, Quality
from workers.checking.sqnr import MOST_DB, sqnr_db
from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.target import Target
from workers.evaluator import Outcome
from workers.pool.shared import Enclosed

NETS = """
import torch


def two():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 1))
    samples = [(torch.randn(1, 2, 6, 6),) for _ in range(3)]
    return net.eval(), samples[0], samples


def largest_error(outputs, expected):
    assert len(outputs) == len(expected) == 3
    for (mine,), (floats,) in zip(outputs, expected):
        assert mine.shape == floats.shape == (1, 4, 4, 4) and mine.dtype == floats.dtype == torch.float32
    return -max(float((a - b).abs().max()) for (a,), (b,) in zip(outputs, expected))


def near(outputs, expected):
    return sum(float((o - e).abs().max() < 0.1) for (o,), (e,) in zip(outputs, expected)) / len(outputs)


def words(outputs, expected):
    return "good"


def broken(outputs, expected):
    return outputs[0][1]
"""

ALLOWED = Allowance(Exactness.REQUANTISING)


@dataclass(frozen=True)
class Coarse(Pass):
    """Drops bits of what a convolution's RESCALE gives."""

    name: ClassVar[str] = "x-coarse"
    law: ClassVar[str] = "the last bits do not matter"
    exactness: ClassVar[Exactness] = Exactness.REQUANTISING

    bits: int = 1

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        node = edit[node_id]
        if node.op != "RESCALE" or any(edit[i].op == "TABLE" for i in edit.users(node_id)) or edit.is_output(node_id):
            return False
        fine = edit.add(replace(node))
        values = np.arange(-128, 128) >> self.bits << self.bits
        edit.redefine(
            node_id, replace(node, op="TABLE", inputs=(fine, edit.add(constant(values.astype(np.int8)))), attributes={})
        )
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("quality")
    (made / "nets.py").write_text(NETS)
    return made


@pytest.fixture
def job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tasks.Job:
    known = registry.passes() | {one.name: one for one in (Coarse, Forgetful)}
    monkeypatch.setattr(registry, "passes", lambda: known)
    return tasks.Job(f"{folder / 'nets.py'}:two", Target.parse("ethos-u85-256"), folder / "cache", 0, allowance=ALLOWED)


def metric(folder: Path, function: str, minimum: float) -> Metric:
    return Metric.of(f"{folder / 'nets.py'}:{function}", minimum)


def outcome(job: tasks.Job, recipe: str) -> Outcome:
    base = tasks.prepare(job).base
    return tasks.evaluate(Enclosed(base), base.key, job, recipe)


def successors(job: tasks.Job) -> Mapping[str, str]:
    base = tasks.prepare(job).base
    return tasks.expansion(Enclosed(base), base.key, job, "default").successors


@given(ratio=st.floats(1e-6, 1e6), seed=st.integers(0, 99), inputs=st.integers(1, 3))
def test_the_ratio_is_that_of_the_norms(ratio: float, seed: int, inputs: int) -> None:
    random = np.random.default_rng(seed)
    signal = [random.normal(size=(3, 4)) for _ in range(inputs)]
    noise = [random.normal(size=(3, 4)) for _ in range(inputs)]
    scale = np.linalg.norm(np.concatenate(signal)) / np.linalg.norm(np.concatenate(noise)) / ratio
    noisy = [x + scale * n for x, n in zip(signal, noise, strict=True)]
    assert sqnr_db(signal, noisy) == pytest.approx(20 * np.log10(ratio), abs=1e-6)


def test_no_noise_no_signal_and_no_number_are_the_ends_of_the_scale() -> None:
    ones, zeros = [np.ones(3, np.float32)], [np.zeros(3, np.float32)]
    assert sqnr_db(ones, ones) == sqnr_db(zeros, zeros) == MOST_DB
    assert (
        sqnr_db(zeros, ones) == sqnr_db(ones, [np.full(3, np.nan)]) == sqnr_db(ones, [np.full(3, np.inf)]) == -MOST_DB
    )


def test_coarser_programs_measure_worse_and_the_limit_tells_them(job: tasks.Job) -> None:
    objective = Objective(allowance=ALLOWED).on("ethos-u")
    default, fine, coarse = (outcome(job, text) for text in ("default", "x-coarse", "x-coarse{bits=5}"))
    assert default.quality == default.default_quality == fine.default_quality is not None
    assert fine.quality is not None and coarse.quality is not None
    assert 20 < default.quality.sqnr_db < 60 and default.quality.inputs == 3
    assert default.quality.sqnr_db > fine.quality.sqnr_db > coarse.quality.sqnr_db
    assert (coarse.status, coarse.exactness) == ("ok", Exactness.REQUANTISING)
    assert shortfalls(default, objective) == {}
    ((reason, amount),) = shortfalls(coarse, objective).items()
    assert "more than 0.5 dB below the default's" in reason and amount > 0
    lenient = Objective(allowance=replace(ALLOWED, max_loss_db=amount + 0.6)).on("ethos-u")
    assert shortfalls(coarse, lenient) == {}


def test_only_where_it_is_allowed_a_pass_of_the_class_is_tried(job: tasks.Job) -> None:
    assert "x-coarse" in successors(job)
    exact = replace(job, allowance=Allowance())
    assert outcome(exact, "default").quality is None
    assert "x-coarse" not in successors(exact) and "x-forgetful" in successors(exact)
    refused = outcome(exact, "x-coarse")
    assert refused.status == "refused" and "it is requantising, which is not allowed" in refused.reason


@pytest.mark.parametrize("recipe", ["x-forgetful", "x-coarse,x-forgetful", "x-forgetful,x-coarse"])
def test_a_wrong_exact_pass_does_not_hide_behind_one_that_is_not(job: tasks.Job, recipe: str) -> None:
    assert outcome(job, recipe).status == "wrong"


def test_a_metric_of_ones_own_is_asked_instead(job: tasks.Job, folder: Path) -> None:
    own = replace(ALLOWED, metric=metric(folder, "largest_error", -0.1))
    default, coarse = (outcome(replace(job, allowance=own), text) for text in ("default", "x-coarse{bits=6}"))
    assert default.quality is not None and coarse.quality is not None and default.quality.metric is not None
    assert coarse.quality.metric is not None and coarse.quality.metric < default.quality.metric < 0
    ((reason, _),) = shortfalls(coarse, Objective(allowance=own).on("ethos-u")).items()
    assert "largest_error gives" in reason and shortfalls(default, Objective(allowance=own).on("ethos-u")) == {}


def test_without_a_float_model_only_a_metric_of_ones_own_tells(job: tasks.Job, folder: Path) -> None:
    import torch

    model = exported_model(job.source)
    assert model is not None
    torch.export.save(quantised_program(model, job.target, seed=0).program, folder / "quantised.pt2")
    Path(folder / "net.tosa").write_bytes(tasks.prepare(job).base.graphs[0])
    quantised, lowered = (replace(job, source=str(folder / name)) for name in ("quantised.pt2", "net.tosa"))
    for bad, said in ((quantised, "no float model"), (lowered, "only exact recipes")):
        with pytest.raises(ModelError, match=said):
            tasks.prepare(bad)
    own = replace(ALLOWED, metric=metric(folder, "near", 0.5))
    found = outcome(replace(quantised, allowance=own), "default").quality
    assert found is not None and found.metric == 1.0 and found.inputs == 4


@pytest.mark.parametrize(
    ("function", "said"),
    [("words", "returned a str, not a number"), ("broken", "IndexError"), ("brokn", "did you mean broken")],
)
def test_what_a_metric_gets_wrong_is_reported_in_one_line(
    job: tasks.Job, folder: Path, function: str, said: str
) -> None:
    own = replace(ALLOWED, metric=metric(folder, function, 0.0))
    with pytest.raises(ModelError, match=said) as raised:
        tasks.prepare(replace(job, allowance=own))
    assert "\n" not in str(raised.value) and "nets.py" in str(raised.value)


def test_a_metric_that_changes_is_another_one(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("def one(outputs, expected): return 1")
    before = Metric.of(f"{file}:one", 1.0)
    file.write_text("def one(outputs, expected): return 2")
    after = Metric.of(f"{file}:one", 1.0)
    objectives = {str(Objective(allowance=replace(ALLOWED, metric=one))) for one in (before, after)}
    assert len(objectives) == 2
    with pytest.raises(ModelError, match="has changed"):
        before.check_unchanged()
    for bad in ("own.py", f"{tmp_path / 'absent.py'}:one", f"{file}:"):
        with pytest.raises(ModelError, match="--metric"):
            Metric.of(bad, 1.0)


def test_every_part_of_what_is_allowed_is_part_of_the_identity() -> None:
    own = Metric("m.py:f", "0" * 64, 0.5)
    allowances = [
        Allowance(), ALLOWED, replace(ALLOWED, exactness=Exactness.PRECISION), replace(ALLOWED, max_loss_db=0.50000001),
        replace(ALLOWED, metric=own), replace(ALLOWED, metric=replace(own, minimum=0.6)),
        replace(ALLOWED, metric=replace(own, sha256="1" * 64)), replace(ALLOWED, metric=replace(own, source="m.py:g")),
    ]  # fmt: skip
    assert len({str(Objective(allowance=one)) for one in allowances}) == len(allowances)
    assert str(Objective(allowance=Allowance())) == str(Objective())


@given(default=st.floats(-50, 150), loss=st.floats(0, 50), limit=st.floats(0, 50))
def test_a_ratio_may_be_below_the_default_s_by_the_limit(default: float, loss: float, limit: float) -> None:
    found = Allowance(Exactness.REQUANTISING, limit).shortfalls(Quality(default - loss, 1), Quality(default, 1))
    assert bool(found) == (default - (default - loss) > limit)
    assert all(amount > 0 for amount in found.values())
