"""Operators on the CPU that only select elements: on the NPU they select the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.recipe.recipe import Recipe
from workers import tasks
from workers.ethos_u.lowering import frontend
from workers.ethos_u.lowering import frontend_settings as settings
from workers.ethos_u.lowering.frontend.places import places, repetitions, runs, step
from workers.ethos_u.lowering.frontend_settings import SettingStatus
from workers.ethos_u.target import Target

NETS = """
import torch
from torch.nn import functional

ORDER = torch.tensor([0, 4, 1, 5, 2, 6, 3, 7])


def made(kind, between, shape):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = kind(shape[1], 8, 1), kind(8, 4, 1)

        def forward(self, x):
            return self.second(between(self.first(x)))

    torch.manual_seed(0)
    samples = [(torch.randn(shape),) for _ in range(3)]
    return Net().eval().requires_grad_(False), samples[0], samples


def images():
    def between(x):
        x = functional.interpolate(torch.roll(x, (2, -3), (2, 3))[:, ORDER].flip(3), scale_factor=3)
        return torch.nn.functional.channel_shuffle(x, 2)

    return made(torch.nn.Conv2d, between, (1, 4, 3, 5))


def signals():
    def between(x):
        x = functional.interpolate(functional.max_pool1d(x, 5), scale_factor=2)
        return functional.max_pool1d(x, 3, 1, 1) * functional.adaptive_max_pool1d(x, 1)

    return made(torch.nn.Conv1d, between, (1, 4, 30))

"""

SETTING = Recipe.parse("host-selection=int8").setting


@pytest.mark.parametrize(
    ("net", "target"), [("images", "ethos-u55-128"), ("signals", "ethos-u55-128"), ("images", "ethos-u85-256")]
)
def test_what_selects_moves_to_the_npu_and_gives_the_same(net: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    job = tasks.Job(f"{tmp_path / 'nets.py'}:{net}", Target.parse(target), tmp_path / "cache", 0)
    prepared = tasks.prepare(job)
    assert SETTING in frontend.open_settings(prepared.base.host_operators)
    assert settings.setting_status(prepared.base, SETTING, job) == SettingStatus("ok")
    moved = settings.base_by(prepared.base, SETTING, job)
    assert len(prepared.base.graphs) > 1
    assert len(moved.graphs) == 1 and len(moved.host_operators) == 2, "only the model's input and output are left"


SIZES = st.integers(1, 6)


@st.composite
def axes(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Places of an axis, and how long it is."""
    size = draw(SIZES)
    return np.array(draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=9))), size


@given(axes=st.lists(axes(), min_size=1, max_size=4))
def test_places_are_found_where_each_axis_moves_apart(axes: list[tuple[np.ndarray, int]]) -> None:
    shape = tuple(size for _, size in axes)
    numbers = np.arange(np.prod(shape)).reshape(shape)[np.ix_(*(along for along, _ in axes))]
    found = places(numbers, shape)
    assert found is not None
    assert np.array_equal(np.arange(np.prod(shape)).reshape(shape)[np.ix_(*found)], numbers)


@given(size=st.integers(2, 5))
def test_there_are_no_places_where_an_axis_depends_on_another(size: int) -> None:
    numbers = np.arange(size * size).reshape(size, size)
    assert places(numbers.T, numbers.shape) is None
    assert places(numbers.reshape(-1), numbers.shape) is None


@given(axis=axes())
def test_slices_repetitions_and_steps_are_the_places(axis: tuple[np.ndarray, int]) -> None:
    along, _ = axis
    assert np.array_equal(np.concatenate([np.arange(start, start + length) for start, length in runs(along)]), along)
    count = np.arange(len(along))
    if (times := repetitions(along)) > 1:
        assert np.array_equal(along[0] + count // times, along)
    if (apart := step(along)) > 1:
        assert np.array_equal(along[0] + count * apart, along)


@given(start=st.integers(0, 3), count=st.integers(2, 5), times=st.integers(2, 4))
def test_rows_of_the_same_place_and_equal_steps_are_one_operation(start: int, count: int, times: int) -> None:
    assert repetitions(np.repeat(np.arange(start, start + count), times)) == times
    assert step(np.arange(start, start + count * times, times)) == times
