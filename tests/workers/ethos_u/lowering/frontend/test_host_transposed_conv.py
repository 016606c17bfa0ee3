"""Transposed convolutions that ExecuTorch leaves on the CPU, as convolutions on the NPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers import tasks
from workers.checking.allowance import Allowance
from workers.errors import ModelError
from workers.ethos_u.lowering import frontend, frontend_settings
from workers.ethos_u.lowering.frontend import host_conv, quantising_by
from workers.ethos_u.lowering.frontend.host_transposed_conv import rewrite
from workers.ethos_u.target import Target
from workers.pool.shared import Enclosed

NETS = """
import torch


def made(shape, *layers):
    samples = [(torch.randn(shape),) for _ in range(3)]
    return torch.nn.Sequential(*layers).eval().requires_grad_(False), samples[0], samples


def sound():
    torch.manual_seed(0)
    first = torch.nn.Conv1d(4, 8, 1), torch.nn.ConvTranspose1d(8, 6, 11, stride=5, padding=3, groups=2), torch.nn.ReLU()
    return made((1, 4, 12), *first, torch.nn.ConvTranspose1d(6, 1, 4, stride=2, padding=1))


def image():
    torch.manual_seed(0)
    first = torch.nn.Conv2d(4, 8, 1), torch.nn.ConvTranspose2d(8, 6, (4, 3), stride=(4, 3))
    return made((1, 4, 5, 4), *first, torch.nn.Conv2d(6, 2, 1))
"""

SETTING = Recipe.parse("host-transposed-conv=subpixel").setting


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[torch.nn.Module, torch.Tensor]:
    """A transposed convolution with some data."""
    rank, groups = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    sizes = st.lists(st.integers(1, 5), min_size=rank, max_size=rank)
    kernel, stride, dilation = draw(sizes), draw(sizes), draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    padding = [draw(st.integers(0, 4)) for _ in range(rank)]
    more = [draw(st.integers(0, max(pair) - 1)) for pair in zip(stride, dilation, strict=True)]
    inputs, outputs = (groups * draw(st.integers(1, 2)) for _ in range(2))
    kind = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d)[rank - 1]
    torch.manual_seed(draw(st.integers(0, 99)))
    module = kind(inputs, outputs, kernel, stride, padding, more, groups, draw(st.booleans()), dilation)
    return module.eval(), torch.randn(draw(st.integers(1, 2)), inputs, *draw(sizes))


@given(made=convolutions())
@settings(max_examples=40)
def test_the_convolution_of_phases_computes_the_transposed_one(made: tuple[torch.nn.Module, torch.Tensor]) -> None:
    module, x = made
    try:
        expected = module(x)
    except RuntimeError:  # torch refuses padding that leaves nothing
        assume(False)
    assume(expected.numel() > 0)
    graph = torch.export.export(module, (x,)).module(check_guards=False)
    rewrite(graph, is_u55=True)
    stays = isinstance(module, torch.nn.ConvTranspose2d) and _is_taken(module)
    called = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
    assert any("transpose" in name for name in called) == stays
    torch.testing.assert_close(graph(x), expected, rtol=1e-4, atol=1e-5)


def _is_taken(module: torch.nn.ConvTranspose2d) -> bool:
    """Whether ExecuTorch takes one for Ethos-U55 itself."""
    one_stride: Any = module.stride in ((1, 1), (2, 2))
    return bool(one_stride) and module.groups == 1 and max(module.dilation) == 1


@pytest.mark.parametrize(("net", "target"), [("sound", "ethos-u85-256"), ("image", "ethos-u55-128")])
def test_a_transposed_convolution_moves_to_the_npu(net: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    allowed = Allowance(Exactness.REQUANTISING)
    source = f"{tmp_path / 'nets.py'}:{net}"
    job = tasks.Job(source, Target.parse(target), tmp_path / "cache", 0, allowance=allowed)
    prepared = tasks.prepare(job)
    assert any("convolution" in one.name for one in prepared.base.host_operators)
    others = [replace(one, is_transposed=False) for one in prepared.base.host_operators]
    assert SETTING not in frontend.open_settings(others, Exactness.REQUANTISING), "what it is for is distinguished"
    assert not host_conv.concerns(prepared.base.host_operators)
    assert SETTING in frontend.open_settings(prepared.base.host_operators, Exactness.REQUANTISING)
    assert SETTING not in frontend.open_settings(prepared.base.host_operators)
    moved = frontend_settings.base_by(prepared.base, SETTING, job)
    assert len(moved.graphs) == 1 and len(moved.host_operators) == 2
    outcome = tasks.evaluate(Enclosed(prepared.base), prepared.base.key, job, "host-transposed-conv=subpixel")
    assert outcome.quality is not None and outcome.default_quality is not None
    assert (outcome.status, outcome.exactness) == ("ok", Exactness.REQUANTISING)
    assert outcome.quality.sqnr_db > outcome.default_quality.sqnr_db - 6, "weights of 8 bits add a little noise"


def test_a_script_has_to_quantise_inside() -> None:
    with pytest.raises(ModelError, match="has to be quantised where this recipe is applied"), quantising_by(SETTING):
        pass
