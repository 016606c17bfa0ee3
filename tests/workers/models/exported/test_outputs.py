"""Outputs that no `.pte` can give are reported before anything is lowered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import SourceModel


class Found(NamedTuple):
    boxes: torch.Tensor
    scores: torch.Tensor


class Gives(nn.Module):
    """A layer whose result is given back in some form."""

    def __init__(self, form: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.form, self.layer = form, nn.Linear(4, 6)

    def forward(self, x: torch.Tensor) -> Any:
        return self.form(self.layer(x))


def _export(form: Callable[[torch.Tensor], Any]) -> None:
    export(SourceModel(Gives(form), (torch.randn(1, 4),), None, "net.py:net"))


@pytest.mark.parametrize(
    ("form", "reported"),
    [
        (lambda y: y.topk(3), "gives back a torch.return_types.topk, whose structure"),
        (lambda y: {"best": (y.max(1), y)}, "gives back a torch.return_types.max, whose structure"),
        (lambda y: Found(y, y.sigmoid()), r"gives back a \S+\.Found, whose structure"),
        (lambda y: None, "gives back no tensor; return what it computes"),
        (lambda y: (3, "text"), "gives back no tensor; return what it computes"),
    ],
    ids=["topk", "nested", "user's own", "None", "no tensor"],
)
def test_outputs_that_cannot_be_written_are_refused(form: Callable[[torch.Tensor], Any], reported: str) -> None:
    with pytest.raises(ModelError, match=f"^net.py:net: {reported}"):
        _export(form)


@pytest.mark.parametrize(
    "form",
    [lambda y: tuple(y.topk(3)), lambda y: OrderedDict(a=y), lambda y: {"a": [y, (y,)]}, lambda y: (y, None, 3)],
    ids=["tuple", "ordered", "nested", "with a number"],
)
def test_outputs_that_can_be_written_are_taken(form: Callable[[torch.Tensor], Any]) -> None:
    _export(form)
