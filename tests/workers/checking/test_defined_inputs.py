"""Inputs on which the default lowering does what TOSA leaves undefined are left out, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.evaluators import programs

from search_space.ir.graph import Graph
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.writer import write_tosa
from velatune.testing.program import Program
from workers.checking.check_inputs import CheckInput
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.incremental_values import Values
from workers.checking.whole_outputs import WholeOutputs
from workers.errors import ReferenceFailed
from workers.ethos_u.lowering.base_program import BaseProgram, toolchain_versions
from workers.evaluator import Evaluator


def scaled_up(shift: int = 6) -> Graph:
    """Of one INT8 value, which its last RESCALE takes up to 2 ** (shift - 1)."""
    p = Program()
    wide = p.rescale_by(p.input(1, 1), "INT32", [1 << 30], [30])
    return p.graph(p.rescale_by(wide, "INT8", [1 << 30], [shift]))


def in_range(sets: list[CheckInput], shift: int) -> list[bool]:
    """As the specification of apply_scale_32 has it."""
    reach = 1 << (shift - 1)
    return [-reach <= int(one.arrays[0].item()) < reach for one in sets]


@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("shift", [4, 5, 6])
def test_undefined_inputs_are_left_out(shift: int, more: bool) -> None:
    calibration = [[np.array([[3]], np.int8)]]
    sets = list(on_defined_inputs(WholeOutputs, scaled_up(shift), calibration, 0, more).inputs)
    assert all(in_range(sets, shift))
    kinds = [one.kind for one in sets]
    assert kinds[0] == "random"
    assert {"zero point", "calibration"} < set(kinds)
    assert not {"minimum", "maximum"} & set(kinds)
    assert kinds.count("random") > 1 if more else kinds.count("random") == 1


def squared(values: int, shift: int) -> Graph:
    """The sum of squares of INT8 values, which its last RESCALE takes up to 2 ** (shift - 1)."""
    p = Program()
    wide = p.rescale_by(p.input(1, values), "INT32", [1 << 30], [30])
    squares = p.op("MUL", (wide, wide, p.data(0, "INT8")), (1, values), "INT32")
    total = p.op("REDUCE_SUM", (squares,), (1, 1), "INT32", axis=1)
    return p.graph(p.rescale_by(total, "INT8", [1 << 30], [shift]))


@pytest.mark.parametrize("more", [False, True])
def test_random_inputs_come_nearer_to_the_zero_point_where_none_is_defined(more: bool) -> None:
    """A norm: 256 values from the whole range have squares of about 1.4 million together."""
    sets = list(on_defined_inputs(WholeOutputs, squared(256, 18), (), 0, more).inputs)
    random = [one.arrays[0].astype(np.int64) for one in sets if one.kind == "random"]
    assert sets[0].kind == "random"
    assert all((one**2).sum() < 1 << 17 for one in random)
    # A range from -32 to 31 gives about 85,000, one from -64 to 63 four times that.
    assert len(random) == (5 if more else 1)
    assert max(abs(one).max() for one in random) > 16


def test_all_inputs_stay_where_all_are_defined() -> None:
    sets = on_defined_inputs(Values, scaled_up(30), (), 0).inputs
    assert [one.kind for one in sets] == ["random", "minimum", "maximum", "zero point"]


def test_what_the_user_gave_is_not_left_out() -> None:
    with pytest.raises(ReferenceFailed, match="on calibration inputs"):
        on_defined_inputs(WholeOutputs, scaled_up(), [[np.array([[100]], np.int8)]], 0)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u85-256"])
def test_a_candidate_is_checked_on_what_is_defined(accelerator: str, tmp_path: Path) -> None:
    base = BaseProgram(
        name="small", model_hash="m", io_layout="nchw", quantisation="q", key="small", versions=toolchain_versions(),
        graphs=(write_tosa(scaled_up()),), calibration_inputs=(([np.array([[3]], np.int8)],),), warnings=(),
    )  # fmt: skip
    for _ in range(2):  # by another evaluator, which finds it in the memo
        evaluator = Evaluator(programs(base, accelerator, tmp_path))
        for whole in (False, True):
            outcome = evaluator.evaluate(Recipe(), whole)
            assert (outcome.status, outcome.stream_fault, outcome.executed) == ("ok", "", True)
            sets = list(on_defined_inputs(WholeOutputs, scaled_up(), base.calibration_inputs[0], 0, whole).inputs)
            counts = {one["kind"]: one["count"] for one in outcome.check["inputs"]}
            assert counts == {kind: [one.kind for one in sets].count(kind) for kind in counts}
            assert counts["random"] > 1 if whole else counts["random"] == 1
