"""Calibration inputs are held to the example inputs, also where tensors are nested in them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from workers.errors import ModelError
from workers.models.calibration import calibration_for

#: Of a streaming net: a frame, and a state of two tensors.
EXAMPLE = (torch.zeros(1, 4), {"hidden": torch.zeros(1, 8), "cell": (torch.zeros(1, 8), 3)})


def fitted(*samples: tuple[Any, ...]) -> Any:
    return calibration_for("net.py:make", EXAMPLE, samples, None, 0).samples


def state(hidden: torch.Tensor, cell: torch.Tensor) -> dict[str, Any]:
    return {"hidden": hidden, "cell": (cell, 3)}


def test_nested_tensors_get_the_element_types_of_the_example_inputs() -> None:
    hidden = torch.full((1, 8), 0.5, dtype=torch.float64)
    ((frame, given),) = fitted((torch.ones(1, 4, dtype=torch.int64), state(hidden, torch.ones(1, 8))))
    assert frame.dtype == given["hidden"].dtype == torch.float32
    assert given["hidden"].tolist() == [[0.5] * 8] and given["cell"][1] == 3


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        (
            state(torch.zeros(1, 7), torch.zeros(1, 8)),
            r"input 1, value \d has shape \[1, 7\], the model takes \[1, 8\]",
        ),
        (state(torch.zeros(1, 8), torch.zeros(8)), r"input 1, value \d has shape \[8\], the model takes \[1, 8\]"),
        ({"hidden": torch.zeros(1, 8)}, "input 1 holds 1 values in another structure, the model takes 3"),
        (torch.zeros(1, 8), "input 1 is a Tensor, the model takes a dict"),
    ],
)
def test_what_is_nested_otherwise_is_reported_with_its_place(given: Any, reported: str) -> None:
    frame = torch.zeros(1, 4)
    with pytest.raises(ModelError, match=rf"^net\.py:make: calibration input 1: {reported}"):
        fitted((frame, state(torch.zeros(1, 8), torch.zeros(1, 8))), (frame, given))
