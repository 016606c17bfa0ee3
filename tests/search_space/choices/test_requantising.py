"""Choices that round otherwise: how near they come to what the program computes in real numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.elementwise.channel_constants import with_constants
from support.random.elementwise.prelus import rescale
from support.values.real_values import real_outputs

from search_space.choices.elementwise.fold_affine import FoldAffine
from search_space.choices.elementwise.merge_rescales import MergeRescales
from search_space.choices.elementwise.subtract_mean_as_conv import SubtractMeanAsConv
from search_space.exactness import Exactness
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from search_space.passes.base import Pass
from search_space.recipe.recipe import Recipe
from search_space.recipe.seed_recipes import INEXACT_SEED_RECIPES, SEED_RECIPES
from search_space.recipe.space import space_hash, tosa_passes
from velatune.testing.program import Program
from workers.checking.reference import run_reference

zeros = st.integers(-120, 120)


def random_input(graph: Graph, seed: int, low: int = -128, high: int = 127) -> np.ndarray:
    shape = graph[graph.inputs[0]].type.shape
    return np.random.default_rng(seed).integers(low, high + 1, shape).astype(np.int8)


def changed(one: Pass, before: Graph) -> Graph:
    after = one.apply(before)
    assert after is not before and problems(after) == []
    assert [after[i].type for i in (*after.inputs, *after.outputs)] == [
        before[i].type for i in (*before.inputs, *before.outputs)
    ]
    assert one.apply(after) is after
    return after


def off(before: Graph, after: Graph, x: np.ndarray) -> list[np.ndarray]:
    """How far the results are from what the program before computes in real numbers, in steps of the results."""
    wanted = [real.clip(-128, 127) for real in real_outputs(before, [x])]
    return [np.abs(one - real) for one, real in zip(run_reference(after, [x]), wanted, strict=True)]


def centred(p: Program, x: int, zero: int, mean_zero: int, scale: float = 0.9) -> int:
    """x minus the mean of its channels, as ExecuTorch lowers it: sum, times 1/C, difference."""
    shape = p.shape(x)
    rows, channels = (*shape[:-1], 1), shape[-1]
    total = p.op("REDUCE_SUM", (rescale(p, x, "INT32", 1.0, zero, 0),), rows, "INT32", axis=len(shape) - 1)
    small = rescale(p, total, "INT8", 1 / channels, 0, mean_zero)
    part = rescale(p, p.data(np.full((1,) * len(shape), 127), "INT8"), "INT32", 1.0, -128, 0)
    product = p.op("MUL", (rescale(p, small, "INT32", 1.0, mean_zero, 0), part, p.data(0, "INT8")), rows, "INT32")
    mean = rescale(p, product, "INT8", 1 / 255, 0, mean_zero)
    wide = rescale(p, x, "INT32", 2.0**19, zero, 0), rescale(p, mean, "INT32", 2.0**19, mean_zero, 0)
    return rescale(p, p.op("SUB", wide, shape, "INT32"), "INT8", scale / 2.0**19, 0, 7)


@settings(max_examples=40)
@given(
    shape=st.sampled_from([(5, 4), (1, 7, 24), (1, 3, 4, 33), (2, 3, 2, 16), (1, 4, 128)]), zero=zeros,
    mean_zero=zeros, scale=st.floats(0.3, 1.2), seed=st.integers(0, 99),
)  # fmt: skip
def test_centred_values_are_rounded_once(
    shape: tuple[int, ...], zero: int, mean_zero: int, scale: float, seed: int
) -> None:
    p = Program()
    before = p.graph(centred(p, p.input(*shape), zero, mean_zero, scale))
    (error,) = off(before, changed(SubtractMeanAsConv(), before), random_input(before, seed))
    assert error.max() <= 0.51


def test_both_halves_of_a_layer_norm_are_centred_once() -> None:
    p = Program()
    x = p.input(1, 8, 16)
    first, second = (centred(p, x, 3, -5) for _ in range(2))
    ends = [rescale(p, one, "INT8", 0.7, 7, 7) for one in (first, second)]
    after = changed(SubtractMeanAsConv(), p.graph(*ends))
    assert [node.op for _, node in after.operators()].count("CONV2D") == 1


@pytest.mark.parametrize("shape", [(1, 4, 130), (1, 4, 1)])
def test_whole_weights_end_at_128_channels(shape: tuple[int, ...]) -> None:
    p = Program()
    before = p.graph(centred(p, p.input(*shape), 0, 0))
    assert SubtractMeanAsConv().apply(before) is before


def projected(
    p: Program, x: int, gamma: list[int], beta: list[int], zero: int, kinds: str = "conv", end_zero: int = 5
) -> tuple[int, ...]:
    """conv(x * gamma + beta), once for each word of `kinds`."""
    shape = p.shape(x)
    product = with_constants(p, x, "MUL", gamma, (zero, -128), 0.4)
    flat = (1,) * (len(shape) - 1) + shape[-1:]
    each = rescale(p, p.data(np.array(beta).reshape(flat), "INT8"), "INT32", 0.3 * 2.0**19, 4, 0)
    total = p.op("ADD", (rescale(p, product, "INT32", 2.0**19, -9, 0), each), shape, "INT32")
    y = rescale(p, total, "INT8", 0.8 / 2.0**19, 0, end_zero)
    image = p.reshape(y, 1, 1, int(np.prod(shape[:-1])), shape[-1])
    readers = {"conv": lambda: p.conv(image, 6), "padded": lambda: p.conv(image, 6, (1, 3)), "itself": lambda: y}
    return tuple(readers[kind]() for kind in kinds.split())


@settings(max_examples=40)
@given(
    channels=st.integers(2, 20), zero=zeros, kinds=st.sampled_from(["conv", "conv conv"]), seed=st.integers(0, 99),
    data=st.data(),
)  # fmt: skip
def test_what_goes_into_weights_is_as_near_as_their_bits_allow(
    channels: int, zero: int, kinds: str, seed: int, data: st.DataObject
) -> None:
    gamma, beta = (data.draw(st.lists(st.integers(-128, 127), min_size=channels, max_size=channels)) for _ in "gb")
    p = Program()
    x = p.input(1, channels + 5, channels)
    before = p.graph(*projected(p, x, gamma, beta, zero, kinds))
    after = changed(FoldAffine(), before)
    assert {node.op for _, node in after.operators()} <= {"MOVE", "CONV2D", "RESCALE"}
    inputs = random_input(before, seed)
    # How much of each channel reaches each result: row k of the first channels + 1 rows differs in channel k - 1.
    steps = np.concatenate([np.zeros((1, channels)), np.eye(channels), np.zeros((4, channels))])[None].astype(np.int8)
    for error, real in zip(off(before, after, inputs), real_outputs(before, [steps]), strict=True):
        gains = real[0, 0, 1 : channels + 1] - real[0, 0, :1]
        reach = np.abs(inputs[0].astype(int) - zero).sum(-1)
        rounded = reach[:, None] * np.abs(gains).max(0) / 127 / 2
        assert (error[0, 0] <= 0.51 + 1.01 * rounded + np.abs(gains).max(0) / 127).all()


@pytest.mark.parametrize(
    ("kinds", "end_zero"), [("padded", 5), ("conv itself", 5), ("conv padded", 5), ("conv", -128), ("conv", 127)]
)
def test_what_must_stay_before_a_convolution_stays(kinds: str, end_zero: int) -> None:
    """Padding, another reader, or an activation: what ends at its zero point."""
    p = Program()
    before = p.graph(*projected(p, p.input(1, 6, 4), [90, -70, 127, -128], [1, 2, 3, 90], 3, kinds, end_zero))
    assert FoldAffine().apply(before) is before


def scores(p: Program, factor: int = 40, zero: int = -3, end_zero: int = -3, read_twice: bool = False) -> list[int]:
    """A matrix product, rounded, times a constant, rounded again."""
    first, second = p.input(2, 5, 8), p.data(p.random.integers(-128, 128, (2, 8, 6)), "INT8")
    sums = p.op("MATMUL", (first, second, p.data(4, "INT8"), p.data(-2, "INT8")), (2, 5, 6), "INT32")
    small = rescale(p, sums, "INT8", 0.003, 0, zero)
    each = rescale(p, p.data(np.full((1, 1, 1), factor), "INT8"), "INT32", 1.0, -128, 0)
    wide = rescale(p, small, "INT32", 1.0, zero, 0)
    scaled = p.op("MUL", (wide, each, p.data(0, "INT8")), (2, 5, 6), "INT32")
    return [rescale(p, scaled, "INT8", 1 / 150, 0, end_zero), *([small] if read_twice else [])]


@settings(max_examples=30)
@given(factor=st.integers(-127, 127), zero=zeros, end_zero=zeros, seed=st.integers(0, 99))
def test_merged_rescales_round_once(factor: int, zero: int, end_zero: int, seed: int) -> None:
    p = Program()
    before = p.graph(*scores(p, factor, zero, end_zero))
    after = changed(MergeRescales(), before)
    assert [node.op for _, node in after.operators()] == ["MATMUL", "RESCALE"]
    x = random_input(before, seed)
    (real,), (result,) = real_outputs(before, [x]), run_reference(after, [x])
    assert np.abs(result - real.clip(-128, 127)).max() <= 0.56


@pytest.mark.parametrize(
    "more", [{"factor": -128}, {"zero": -128}, {"read_twice": True}, {"zero": -128, "end_zero": 127}]
)
def test_what_is_no_positive_factor_or_saturates_or_is_read_stays(more: dict[str, int]) -> None:
    p = Program()
    before = p.graph(*scores(p, **more))  # type: ignore[arg-type]
    assert MergeRescales().apply(before) is before


def test_an_activation_that_goes_on_to_saturate_where_it_did_is_merged() -> None:
    p = Program()
    before = p.graph(*scores(p, zero=-128, end_zero=-128))
    (error,) = off(before, changed(MergeRescales(), before), random_input(before, 1))
    assert error.max() <= 0.56


def test_they_are_searched_only_where_they_are_allowed() -> None:
    exact, allowed = tosa_passes(), tosa_passes(Exactness.REQUANTISING)
    more = {type(one) for one in allowed} - {type(one) for one in exact}
    assert more == {FoldAffine, SubtractMeanAsConv, MergeRescales}
    assert all(one.exactness == Exactness.EXACT for one in exact) and len(space_hash()) == 32
    for text in SEED_RECIPES:
        assert Recipe.parse(text).exactness == Exactness.EXACT
    for text in INEXACT_SEED_RECIPES:
        assert Recipe.parse(text).exactness == Exactness.REQUANTISING


def test_exact_stretches_cover_a_recipe() -> None:
    recipe = Recipe.parse(
        "host-pool=any,conv1d=along-h | fold-constants,merge-rescales,table,subtract-mean-as-conv,sink-transposes"
    )
    pairs = [(str(start), str(end)) for start, end in recipe.exact_stretches]
    chosen = "conv1d=along-h,host-pool=any"
    assert pairs == [
        ("host-pool=any", f"{chosen} | fold-constants"),
        (f"{chosen} | fold-constants,merge-rescales", f"{chosen} | fold-constants,merge-rescales,table"),
        (f"{chosen} | fold-constants,merge-rescales,table,subtract-mean-as-conv", str(recipe)),
    ]
    assert Recipe.parse("table").exact_stretches == ((Recipe(), Recipe.parse("table")),)
