"""Sums of values that are scaled by powers of two, as ExecuTorch lowers quantised sums."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.random.sums import SCALED_SUMS

from search_space.choices.elementwise.factor_common_scale import FactorCommonScale
from search_space.ir.graph import Graph
from search_space.ir.verifier import problems
from velatune.testing import PassContract
from velatune.testing.program import Program
from velatune.testing.reference_values import outputs
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import Pricing


def rescale(p: Program, value: int, dtype: str, multiplier: int, shift: int, zero: int = 0, flag: str = "") -> int:
    source = p.nodes[value].type
    operands = p.data(multiplier, "INT32"), p.data(shift, "INT8"), p.data(zero, source.dtype), p.data(0, dtype)
    return p.op(
        "RESCALE", (value, *operands), source.shape, dtype, scale32=True,
        rounding_mode=flag or "SINGLE_ROUND", per_channel=False, input_unsigned=False, output_unsigned=False,
    )  # fmt: skip


def difference(
    shifts: tuple[int, int] = (11, 11), multiplier: int = 1371822443, shift: int = 49, op: str = "SUB", flag: str = "",
    up: int = 1 << 30, zeros: tuple[int, int] = (-7, 12), shape: tuple[int, int, int] = (1, 256, 256),
) -> Graph:  # fmt: skip
    """All pairs of int8 values."""
    p = Program()
    first, second = p.input(*shape), p.input(shape[0], shape[1], 1)
    wide = [
        rescale(p, value, "INT32", up, one, zero)
        for value, one, zero in zip((first, second), shifts, zeros, strict=True)
    ]
    return p.graph(rescale(p, p.op(op, tuple(wide), shape, "INT32"), "INT8", multiplier, shift, flag=flag))


@settings(max_examples=40)
@given(
    first=st.integers(9, 30), apart=st.integers(-3, 3), op=st.sampled_from(["ADD", "SUB"]),
    multiplier=st.integers(1 << 30, (1 << 31) - 1), narrow=st.integers(-3, 3),
    zeros=st.tuples(st.integers(-128, 127), st.integers(-128, 127)),
)  # fmt: skip
def test_all_pairs_of_values_give_the_same(
    first: int, apart: int, op: str, multiplier: int, narrow: int, zeros: tuple[int, int]
) -> None:
    shifts = first, min(30, max(9, first + apart))
    common = min(30 - one for one in shifts)
    before = difference(shifts, multiplier, 32 + narrow + common, op, zeros=zeros)
    after = FactorCommonScale().apply(before)
    assert (after is before) == (common == 0)
    assert problems(after) == []
    values = np.arange(-128, 128).astype(np.int8)
    arrays = [np.tile(values, 256).reshape(1, 256, 256), values.reshape(1, 256, 1)]
    assert outputs(after, arrays) == outputs(before, arrays)


@pytest.mark.parametrize(
    "graph",
    [
        difference((30, 11)),
        difference(up=(1 << 30) + 1),
        difference(flag="DOUBLE_ROUND"),
        difference((24, 24), shift=15),
        difference(op="BITWISE_XOR"),
    ],
    ids=["one by one", "by no power of two", "rounded twice", "left with too small a shift", "no sum"],
)
def test_other_sums_stay(graph: Graph) -> None:
    assert FactorCommonScale().apply(graph) is graph


def test_vela_does_it_as_one_operation(tmp_path: Path) -> None:
    pricing = Pricing(Target.parse("ethos-u55-128"), Memo(tmp_path), toolchain_versions())
    before = difference(shape=(3, 20, 20))
    assert len(pricing.cost([before], 0).rows) > 1
    assert len(pricing.cost([FactorCommonScale().apply(before)], 0).rows) == 1


class TestFactorCommonScale(PassContract):
    a_pass = FactorCommonScale()
    operators = SCALED_SUMS
