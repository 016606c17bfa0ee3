"""What a runtime takes and gives for the values of a model."""

import numpy as np
import pytest
import torch

from workers.errors import ModelError
from workers.models.exported.tensors import as_arrays


def test_tensors_and_numbers_are_arrays_and_the_rest_is_left_out() -> None:
    image = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    given = {"a": [image, None, "nearest"], "b": (3, True, 0.5)}
    found = as_arrays(given)
    assert [str(one.dtype) for one in found] == ["float32", "int64", "bool", "float64"]
    assert found[0].flags.c_contiguous and (found[0] == np.arange(24).reshape(1, 2, 3, 4)).all()
    assert [one.item() for one in found[1:]] == [3, True, 0.5]


def test_what_numpy_has_no_type_for_is_reported() -> None:
    with pytest.raises(ModelError, match="an input or output is bfloat16, which numpy has no type for"):
        as_arrays(torch.ones(2, dtype=torch.bfloat16))
