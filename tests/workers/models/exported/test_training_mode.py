"""What was exported in training mode computes something else each time, and is refused before it is lowered."""

import io

import pytest
import torch
from torch import nn

from workers.errors import ModelError
from workers.models.model_source import export
from workers.models.types import ExportedFile, SourceModel


class AlwaysDrops(nn.Module):
    """As people write it who forget `training=self.training`: it drops in eval mode as well."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(x, 0.25)


class Keywords(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.dropout.default(input=x, p=0.5, train=self.training)  # type: ignore[no-any-return]


def exported_in_training(module: nn.Module) -> ExportedFile:
    data = io.BytesIO()
    torch.export.save(torch.export.export(module.train(), (torch.rand(2, 3, 8, 8),)), data)
    return ExportedFile(data.getvalue(), "net.pt2")


@pytest.mark.parametrize(
    ("module", "operator"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), "aten.batch_norm (batch_norm)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(0.5)), "aten.dropout (dropout)"),
        (nn.Dropout2d(0.5), "aten.feature_dropout (feature_dropout)"),
        (Keywords(), "aten.dropout (dropout)"),
    ],
)
def test_a_file_in_training_mode_is_refused(module: nn.Module, operator: str) -> None:
    with pytest.raises(ModelError) as reported:
        export(exported_in_training(module))
    assert str(reported.value).startswith(f"net.pt2: {operator} is in training mode; call eval() before torch.export")


def test_a_dropout_in_eval_mode_too_is_refused() -> None:
    with pytest.raises(ModelError, match=r"aten\.dropout .* is in training mode"):
        export(SourceModel(AlwaysDrops(), (torch.rand(1, 4),), None, "net.py:make"))


def test_attention_that_drops_in_eval_mode_too_is_refused() -> None:
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=0.1)

    with pytest.raises(ModelError, match=r"aten\.scaled_dot_product_attention .* is in training mode"):
        export(SourceModel(Attention(), (torch.rand(1, 4, 8),), None, "net.py:make"))


def test_a_module_that_torch_export_made_is_taken() -> None:
    inputs = (torch.rand(1, 3, 8, 8),)
    inner = torch.export.export(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval(), inputs).module()
    for net in (inner, nn.Sequential(inner, nn.Dropout(0.5))):
        program = export(SourceModel(net, inputs, None, "net")).program
        assert "aten.conv2d.default" in {str(one.target) for one in program.graph.nodes}


@pytest.mark.parametrize("module", [nn.Dropout(0.0), nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4))])
def test_what_is_the_same_in_both_modes_is_taken(module: nn.Module) -> None:
    assert export(exported_in_training(module)).program.graph.nodes


def test_a_module_is_put_into_eval_mode() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    assert export(SourceModel(net, (torch.rand(1, 3, 8, 8),), None, "net.py:make")).program.graph.nodes
