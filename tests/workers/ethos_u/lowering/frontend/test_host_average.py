"""One-dimensional average pools, which ExecuTorch's quantiser does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers import tasks
from workers.checking.allowance import Allowance
from workers.ethos_u.lowering import frontend
from workers.ethos_u.lowering.frontend.host_average import rewrite
from workers.ethos_u.target import Target
from workers.pool.shared import Enclosed

NET = """
import torch


def net():
    torch.manual_seed(0)
    layers = torch.nn.Conv1d(4, 8, 1), torch.nn.AvgPool1d(5), torch.nn.Conv1d(8, 8, 1)
    pools = torch.nn.AvgPool1d(3, 2, 1), torch.nn.AdaptiveAvgPool1d(1)
    samples = [(torch.randn(1, 4, 42),) for _ in range(3)]
    return torch.nn.Sequential(*layers, *pools, torch.nn.Conv1d(8, 2, 1)).eval(), samples[0], samples
"""

SETTING = Recipe.parse("host-average=2d").setting


@st.composite
def pools(draw: st.DrawFn) -> torch.nn.Module:
    width, length = draw(st.integers(1, 6)), draw(st.sampled_from([1, 2, 3, 6]))
    stride, around = draw(st.integers(1, 6) | st.none()), draw(st.integers(0, width // 2))
    average = torch.nn.AvgPool1d(width, stride, around, draw(st.booleans()), draw(st.booleans()))
    return draw(st.sampled_from([average, torch.nn.AdaptiveAvgPool1d(length)]))


@given(pool=pools(), length=st.integers(6, 13))
@settings(max_examples=30)
def test_a_pool_of_an_image_computes_the_pool_of_a_signal(pool: torch.nn.Module, length: int) -> None:
    x = torch.randn(2, 3, length)
    graph = torch.export.export(pool, (x,)).module(check_guards=False)
    rewrite(graph)
    torch.testing.assert_close(graph(x), pool(x))
    stays = isinstance(pool, torch.nn.AdaptiveAvgPool1d) and length % int(pool.output_size) != 0
    assert any("pool1d" in str(node.target) for node in graph.graph.nodes) == stays


@pytest.mark.parametrize("target", ["ethos-u55-128"])
def test_a_pool_of_a_signal_moves_to_the_npu(target: str, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NET)
    allowed = Allowance(Exactness.REQUANTISING)
    job = tasks.Job(f"{tmp_path / 'nets.py'}:net", Target.parse(target), tmp_path / "cache", 0, allowance=allowed)
    prepared = tasks.prepare(job)
    assert SETTING in frontend.open_settings(prepared.base.host_operators, Exactness.REQUANTISING)
    assert SETTING not in frontend.open_settings(prepared.base.host_operators)
    outcome = tasks.evaluate(Enclosed(prepared.base), prepared.base.key, job, "host-average=2d")
    assert outcome.status == "ok" and outcome.cost is not None
    assert outcome.cost["host_ops"] == 2 and outcome.cost["delegates"] == 1
    assert outcome.quality is not None and outcome.default_quality is not None
    assert outcome.quality.sqnr_db > outcome.default_quality.sqnr_db - 6, "the rounding of a mean"
