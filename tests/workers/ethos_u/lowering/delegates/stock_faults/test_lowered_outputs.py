"""Outputs with little in common are told from those that are rounded elsewhere."""

import numpy as np
import pytest

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.stock_faults.lowered_outputs import unlike_outputs

_RANDOM = np.random.default_rng(0)
_VALUES = _RANDOM.standard_normal((1, 4, 6, 5)).astype(np.float32)


def test_rounding_is_nothing() -> None:
    rounded = np.round(_VALUES / 0.2).astype(np.float32) * np.float32(0.2)
    assert unlike_outputs("net", [_VALUES], [rounded]) == ()


@pytest.mark.parametrize("shape", [(1, 6, 5, 4), (1, 4, 6, 5)])
def test_other_orders_are_refused(shape: tuple[int, ...]) -> None:
    channels_last = _VALUES.transpose(0, 2, 3, 1).reshape(shape)
    with pytest.raises(ModelError, match=r"^net: .* in another order, its dimensions as \[0, 2, 3, 1\]$"):
        unlike_outputs("net", [_VALUES], [channels_last])


def test_something_else_is_a_warning() -> None:
    (warning,) = unlike_outputs("net", [_VALUES, _VALUES], [_VALUES, _RANDOM.standard_normal(_VALUES.shape)])
    assert warning.startswith("output 1 of the default lowering has little in common with that of the quantised model")


def test_what_says_nothing_is_not_compared() -> None:
    constant, few, numbers = np.full((4, 8), 0.5, np.float32), _VALUES[0, 0, 0], np.arange(40)
    outputs = [constant, few, numbers]
    assert unlike_outputs("net", outputs, [_RANDOM.standard_normal(one.shape) for one in outputs]) == ()
