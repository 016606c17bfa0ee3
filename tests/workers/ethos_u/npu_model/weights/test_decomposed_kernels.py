"""Where Vela makes several operations of one convolution, each decodes to its part of the kernel."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from support.streams.emitted import ACCELERATORS, emitted
from support.streams.layers import random_layer

from velatune.testing.program import Program
from workers.ethos_u.target import Target

U85 = tuple(name for name in ACCELERATORS if name.startswith("ethos-u85"))


def places(part: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Where the elements of a part of a kernel are in the kernel: `[height, width, 2]` of (y, x)."""
    found = []
    for element in part.transpose(1, 2, 0, 3).reshape(-1, len(part), part.shape[3]):
        (place,) = np.argwhere((kernel == element[:, None, None, :]).all(axis=(0, 3)))
        found.append(place)
    return np.array(found).reshape(*part.shape[1:3], 2)


def assert_each_is_a_grid(parts: list[np.ndarray], kernel: np.ndarray, times: int) -> None:
    """Each part has rows and columns of the kernel, in order and at equal distances. All of it is there so often."""
    seen: Counter[tuple[int, ...]] = Counter()
    for part in parts:
        found = places(part, kernel)
        rows, columns = found[:, 0, 0], found[0, :, 1]
        assert (found[..., 0] == rows[:, None]).all() and (found[..., 1] == columns).all()
        assert len(set(np.diff(rows))) <= 1 and len(set(np.diff(columns))) <= 1
        assert (np.diff(rows) > 0).all() and (np.diff(columns) > 0).all()
        seen.update(map(tuple, found.reshape(-1, 2).tolist()))
    assert seen == {(y, x): times for y in range(kernel.shape[1]) for x in range(kernel.shape[2])}


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_transposed_convolution(accelerator: str) -> None:
    p = Program()
    weights = p.random.integers(-127, 128, (20, 3, 4, 12))
    operands = p.data(weights, "INT8"), p.bias(20, False), p.data(0, "INT8"), p.data(0, "INT8")
    sums = p.op(
        "TRANSPOSE_CONV2D", (p.input(1, 5, 6, 12), *operands), (1, 11, 14, 20), "INT32", out_pad=(0, 0, 0, 0),
        stride=(2, 2), local_bound=False, acc_type="INT32",
    )  # fmt: skip
    found, _ = emitted(p.tosa(p.rescale(sums, "INT8", 1 / 3000)), Target.parse(accelerator))
    parts = [one.weights for one in found]
    # The IFM slides over the kernel, not the kernel over the IFM. On U85 there is one operation for each phase.
    assert_each_is_a_grid(parts, weights[:, ::-1, ::-1], times=1)
    assert len(parts) == (4 if accelerator in U85 else 1)


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u65-512", "ethos-u85-512"])
def test_dilation_that_is_split_into_phases(accelerator: str) -> None:
    p = Program()
    layer = random_layer((17, 17, 5), 7, (3, 3), dilation=(3, 3))
    found, _ = emitted(p.tosa(layer.add_to(p)), Target.parse(accelerator))
    assert len(found) == 9
    for one in found:
        np.testing.assert_array_equal(one.weights, layer.weights)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("accelerator", U85)
def test_stride_that_is_split_into_sums(accelerator: str, depthwise: bool) -> None:
    p = Program()
    layer = random_layer((17, 17, 9), 9, (3, 4), stride=(4, 4), depthwise=depthwise)
    found, _ = emitted(p.tosa(layer.add_to(p)), Target.parse(accelerator))
    assert len(found) > 1
    assert_each_is_a_grid([one.weights for one in found], layer.weights, times=1)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_depth_multiplier(accelerator: str) -> None:
    p = Program()
    layer = random_layer((8, 8, 5), 15, (3, 3), depthwise=True)
    found, _ = emitted(p.tosa(layer.add_to(p)), Target.parse(accelerator))
    assert len(found) == 3
    for first, one in enumerate(found):
        np.testing.assert_array_equal(one.weights, layer.weights[first::3])
        np.testing.assert_array_equal(one.scales.bias, layer.bias[first::3])
