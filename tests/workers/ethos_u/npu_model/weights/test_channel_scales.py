"""Scales per channel of operations without weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.streams.emitted import ACCELERATORS, emitted

from search_space.ir.graph import constant
from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind
from workers.ethos_u.target import Target


@pytest.mark.parametrize("dtype", ["INT8", "INT16"])
@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_rescale_per_channel(accelerator: str, dtype: str) -> None:
    p = Program()
    multipliers, shifts = p.random.integers(1 << 30, (1 << 31) - 1, 21), p.random.integers(30, 40, 21)
    result = p.rescale(p.input(1, 5, 5, 21, dtype=dtype), dtype, 0.4)
    rescale = p.nodes[result]
    p.nodes[rescale.inputs[1]] = constant(multipliers, "INT32")
    p.nodes[rescale.inputs[2]] = constant(shifts, "INT8")
    p.nodes[result] = replace(rescale, attributes={**rescale.attributes, "per_channel": True})
    (one,), _ = emitted(p.tosa(result), Target.parse(accelerator))
    assert one.operation.kind is Kind.POOL
    scales = one.scales
    np.testing.assert_array_equal(scales.scale, multipliers)
    np.testing.assert_array_equal(scales.shift, shifts)
    np.testing.assert_array_equal(scales.bias, np.zeros(21))
