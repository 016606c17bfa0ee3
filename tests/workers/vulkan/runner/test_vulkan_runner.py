"""A user's runner: what it is called with, what its outputs count for, and what is said when it fails."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from support.vulkan_nets import exported, mlp, worst_db
from torch import nn

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.checking.allowance import Allowance
from workers.checking.verdict import Verdict
from workers.errors import ModelError
from workers.evaluator import Evaluator, Measure
from workers.vulkan import runner
from workers.vulkan.backend import BACKEND
from workers.vulkan.programs import VulkanPrograms
from workers.vulkan.runner import run_on


def programs(command: str) -> VulkanPrograms:
    board = {"vk_runner": command, "vk_label": "measured"} if command else {}
    target = BACKEND.target("vulkan", board)
    samples = mlp().calibration_inputs[:1]
    return VulkanPrograms(mlp(), target, samples, Allowance(Exactness.PRECISION, min_sqnr_db=40))


def shell(folder: Path, script: str) -> str:
    """A command that runs a script; `$out` is what names of its outputs begin with."""
    (folder / "runner.sh").write_text('for one in "$@"; do out=${one#--output_file=}; done\n' + script)
    return f"sh {folder / 'runner.sh'}"


def test_a_runner_that_runs_the_file_measures_its_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    of = programs(f"{sys.executable} -m support.vulkan_runner")
    assert of.executed(of.default, False, False, True) == Verdict(True)
    found = of.quality(of.default)
    assert found.sqnr_db > 100 and found.runner and found.label == "measured"
    assert "measured by the runner" in of.report(of.default)
    assert of.described_check(Exactness.PRECISION, False)["computed"].startswith("measured")


def test_its_outputs_count_for_more_than_the_references(tmp_path: Path) -> None:
    of = programs(shell(tmp_path, f"head -c {16 * 24 * 4} /dev/zero > $out-0.bin"))
    assert "are 0.0 dB from the reference, below 20 dB" in of.executed(of.default, False, False, True).reason
    assert of.quality(of.built(Recipe.parse("half=yes"))).sqnr_db == 0
    assert of.quality(of.default).sqnr_db == 200, "what it would have if the runtime computed it right"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("true", "wrote no output-0.bin"),
        ("printf abc > $out-0.bin", "output-0.bin has 3 bytes, and the output 24"),
        ("echo vkCreateDevice failed >&2; exit 134", "ended with status 134, vkCreateDevice failed"),
        ("sleep 9", "did not end within 0.2 seconds"),
    ],
)
def test_what_fails_in_a_runner_is_said(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SECONDS", 0.2 if "sleep" in script else 60)
    x = torch.zeros(2, 3)
    with pytest.raises(ModelError, match=said):
        run_on(shell(tmp_path, script), b"", [x], [x])


def test_a_runner_that_does_not_exist_is_said() -> None:
    with pytest.raises(ModelError, match="cannot be started"):
        run_on("velatune-no-such-runner", b"", [], [])


def test_results_of_a_runner_are_results_of_their_own() -> None:
    plain, measured = (BACKEND.target("vulkan", board) for board in ({}, {"vk_runner": "run"}))
    assert plain.facts() != measured.facts() and "runner" in measured.label
    assert measured.options == {"--target": "vulkan", "--vk-runner": "run", "--vk-label": "simulated"}


def test_a_runner_is_a_device_only_if_the_user_says_so() -> None:
    software, device = (
        BACKEND.target("vulkan", {"vk_runner": "run", **said}) for said in ({}, {"vk_label": "measured"})
    )
    assert software.label == "vulkan, simulated by a runner" and device.label == "vulkan, measured by a runner"
    assert software.facts() != device.facts()


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ({"vk_runner": "run", "vk_label": "predicted"}, "write simulated or measured"),
        ({"vk_label": "measured"}, "it says what --vk-runner is"),
    ],
)
def test_a_label_that_says_nothing_is_refused(board: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        BACKEND.target("vulkan", board)


def test_a_limit_holds_for_what_the_runner_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs that are 3 % too large are 30.5 dB from the model, though half precision comes to more in Python."""
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    of = programs(f"{sys.executable} -m support.vulkan_runner --factor=1.03")
    program = of.built(Recipe.parse("half=yes"))
    assert of.quality(program).sqnr_db == pytest.approx(30.5, abs=0.1)
    reason = of.executed(program, False, False, False).reason
    assert re.fullmatch(r"measured by the runner, its SQNR of 30\.\d\d dB is below 40 dB", reason)


def test_a_default_that_the_runner_fails_on_has_the_quality_of_the_references() -> None:
    of = programs("false")
    assert not of.executed(of.default, False, False, True).equal
    assert of.quality(of.default).sqnr_db == 200 and not of.quality(of.default).runner


@pytest.mark.parametrize("limit", [{"min_sqnr_db": 40}, {"max_loss_db": 1}])
def test_a_candidate_that_aborts_is_told_by_the_runners_own_words(limit: dict[str, float], tmp_path: Path) -> None:
    of = programs(shell(tmp_path, "echo Missing operator: aten.bar >&2; exit 134"))
    found = of.quality(of.built(Recipe.parse("half=yes")))
    assert found.sqnr_db == -200
    (told,) = Allowance(Exactness.PRECISION, **limit).shortfalls(found, of.quality(of.default))
    assert told == f"--vk-runner sh {tmp_path / 'runner.sh'}: ended with status 134, Missing operator: aten.bar"


def test_without_a_runner_quality_has_a_margin_for_what_the_references_may_be_wrong_by() -> None:
    of = programs("")
    program = of.built(Recipe.parse("half=yes"))
    simulated = worst_db(mlp(), of.lowered(program), mlp().calibration_inputs[:1], half=True)
    assert of.quality(program).sqnr_db == simulated - 0.5 and not of.quality(program).runner
    assert "0.5 dB may be missing" in of.report(program)


def test_an_exact_pass_that_mends_what_a_runtime_computes_wrongly_has_its_own_quality(tmp_path: Path) -> None:
    """The runner gives zeros, but for files with a padding of their own."""
    torch.manual_seed(0)
    net = nn.Conv2d(4, 4, 7, padding=3, groups=4).eval()
    model = exported(net, 1, 4, 9, 9)
    ((x,),) = samples = model.calibration_inputs[:1]
    (tmp_path / "right.bin").write_bytes(net(x).detach().numpy().tobytes())
    script = f"""if grep -q constant_pad_nd "$1"
    then cp {tmp_path / "right.bin"} $out-0.bin
    else head -c {4 * 4 * 81} /dev/zero > $out-0.bin
    fi"""
    target = BACKEND.target("vulkan", {"vk_runner": shell(tmp_path, script.replace('"$1"', '"${1#--model_path=}"'))})
    of = VulkanPrograms(model, target, samples, Allowance(Exactness.PRECISION, min_sqnr_db=40))
    one = Evaluator(of, Measure(of.quality, of.quality(of.default)))
    wrong, right = (one.evaluate(Recipe.parse(f"half=yes{rest}")) for rest in ("", " | pad-depthwise-apart"))
    assert wrong.quality.sqnr_db == 0 and right.quality.sqnr_db == 200
