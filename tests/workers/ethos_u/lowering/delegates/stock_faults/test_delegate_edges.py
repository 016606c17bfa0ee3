"""Element types on the two sides of a delegate's edge."""

import pytest
import torch
import tosa_serializer as ts
from torch import nn

from workers.errors import ModelError
from workers.ethos_u.lowering.delegates.stock_faults.delegate_edges import check_edges
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
from workers.models.model_source import export
from workers.models.types import SourceModel


class SplitBlock(nn.Module):
    """As in YOLO: a half of a split stays in the delegate and reaches an operator on the CPU as well."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.inner, self.last = nn.Conv2d(8, 16, 1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(24, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        halves = list(nn.functional.silu(self.first(x)).chunk(2, 1))
        inner = nn.functional.silu(self.inner(halves[1]))
        halves.append(nn.functional.interpolate(inner, size=(12, 12), mode="bilinear"))
        return self.last(torch.cat(halves, 1))


def test_a_value_of_another_type_than_the_delegate_writes_is_reported() -> None:
    """ExecuTorch 1.5.1 does it: pull request 22966 of ExecuTorch, which mends it, describes it."""
    model = export(SourceModel(SplitBlock(), (torch.randn(1, 8, 12, 12),), None, "net.py:yolo"))
    with pytest.raises(ModelError) as reported:
        lower(model, Target.parse("ethos-u55-128"), seed=0)
    message = str(reported.value)
    assert message.startswith(
        "net.py:yolo: ExecuTorch lowers it to a program that computes something else: output 0 (to "
    )
    assert "is float32 of [1, 8, 12, 12] in the program and int8 of [1, 8, 12, 12] in the delegate" in message


class OnlyItsShape(nn.Module):
    """The sort runs on the CPU; of what it gives, the delegate behind it needs the shape alone."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = torch.relu(x).sort(1)[0]
        return torch.cat([y, torch.zeros_like(y)], 1), torch.sigmoid(x)


def test_a_delegate_that_reads_less_than_it_is_handed_is_reported() -> None:
    model = export(SourceModel(OnlyItsShape(), (torch.rand(1, 4),), None, "net.py:padded"))
    with pytest.raises(ModelError, match=r"^net\.py:padded: .* is handed 1 value \(.*\) and reads 0 values; "):
        lower(model, Target.parse("ethos-u55-128"), seed=0)


def test_control_flow_inside_a_delegate_is_reported() -> None:
    """Ethos-U85 takes torch.cond, whose branches are regions of their own in the TOSA program."""
    made = ts.TosaSerializer("", targetMajor=1, targetMinor=0, targetPatch=0, targetDraft=False)
    for name in ("first", "second"):
        made.startRegion(name)
        made.currRegion.addBasicBlock(name)
    call = torch.fx.Graph().placeholder("x")
    with pytest.raises(ModelError, match=r"^net\.py:branches: delegate 0: it has 3 regions \(.*torch\.cond\)"):
        check_edges([(call, bytes(made.serialize()))], "net.py:branches")


def test_a_batch_of_nothing_is_reported() -> None:
    model = export(SourceModel(nn.Linear(4, 3), (torch.randn(0, 4),), None, "net.py:empty"))
    with pytest.raises(ModelError, match=r"^net.py:empty: delegate 0 is handed \S+ of \[0, 4\], which has no elements"):
        lower(model, Target.parse("ethos-u55-128"), seed=0)
