"""Predictions by a user's profile of a device: the range, the rates, and where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vulkan_nets import everywhere, lowered, mlp

from workers.errors import ModelError
from workers.vulkan.backend import BACKEND
from workers.vulkan.cost.device_profile import DeviceProfile, kernel_kinds, read_profile
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.model.scheme import Scheme

GOOD = """
[device]
name = "phone"
gigabytes_per_second = [40.0, 50.0]
microseconds_per_dispatch = 5

[gigabytes_per_second]
"et_vk.linear_q4gsw.default" = 44.5
"""


def written(folder: Path, text: str) -> str:
    (folder / "profile.toml").write_text(text)
    return str(folder / "profile.toml")


def test_published_numbers_of_a_language_model_come_out(tmp_path: Path) -> None:
    """335 MB of weights for each token at 44.5 GB/s are 7.53 ms (thread 22968, Adreno 840)."""
    profile = read_profile(written(tmp_path, GOOD))
    low, high = profile.milliseconds([("et_vk.linear_q4gsw.default", 335_000_000)])
    assert low == high == pytest.approx(7.53 + 0.005, abs=0.005)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 10**9)), max_size=8),
    st.floats(1, 50), st.floats(1, 3), st.floats(0, 20), st.floats(0, 20),
)  # fmt: skip
def test_a_range_is_a_range_and_grows_with_what_is_done(
    calls: list[tuple[str, int]], rate: float, factor: float, dispatch: float, more: float
) -> None:
    profile = DeviceProfile("one", (rate, rate * factor), (dispatch, dispatch + more), {"b": (rate, rate)})
    low, high = profile.milliseconds(calls)
    assert 0 <= low <= high
    longer = profile.milliseconds([*calls, ("a", 10**6)])
    assert longer[0] >= low and longer[1] >= high


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[40.0, 50.0]", "[50.0, 40.0]", "the lowest and the highest"),
        ("[40.0, 50.0]", "0", "the lowest and the highest"),
        ("[40.0, 50.0]", "true", "the lowest and the highest"),
        ("= 44.5", '= "fast"', "of et_vk.linear_q4gsw.default"),
        ("[device]", "[gadget]", r"needs a table \[device\]"),
        ("name =", "colour =", "has no colour"),
        ("[device]", "[device", "profile.toml"),
    ],
)
def test_a_profile_that_is_none_is_refused_before_anything_is_lowered(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=said):
        BACKEND.target("vulkan", {"device_profile": written(tmp_path, GOOD.replace(old, new))})
    with pytest.raises(ModelError, match="cannot be read"):
        read_profile(str(tmp_path / "none.toml"))


def test_a_profile_changes_no_result(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert BACKEND.target("vulkan", {"device_profile": file}).facts() == BACKEND.target("vulkan", {}).facts()


def test_programs_with_other_kernels_are_of_other_kinds() -> None:
    float_one, weights_only, half = (
        kernel_kinds([call for graph in graphs_of(one) for call in graph.calls])
        for one in (lowered(mlp()), lowered(mlp(), everywhere(Scheme.W4G32, 2)), lowered(mlp(), half=True))
    )
    assert float_one and float_one != weights_only and float_one != half
