"""Errors of torch and ExecuTorch are reported with the place in the user's model."""

from pathlib import Path

import pytest
import torch
from executorch.exir.dialects._ops import ops
from torch import fx

from workers.errors import ModelError, one_line
from workers.ethos_u.lowering.lowering import lower
from workers.ethos_u.target import Target
from workers.models.error_place import with_place
from workers.models.model_source import export, resolve
from workers.models.types import SourceModel

NETS = """
import torch
from torch import nn

class Wrong(nn.Module):
    def forward(self, x):
        y = torch.relu(x)
        return y.reshape(7)

class Branches(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x

class Grouped(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1, groups=4)

    def forward(self, x):
        return self.up(x)

def layers():
    return nn.Sequential(nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(7, 3))), (torch.ones(2, 5),)

def wrong():
    return Wrong(), (torch.ones(2, 5),)

def branches():
    return Branches(), (torch.ones(3),)

def grouped():
    return Grouped(), (torch.ones(1, 8, 6, 6),)
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


@pytest.mark.parametrize(("function", "line"), [("wrong", 8), ("branches", 12)])
def test_what_does_not_export_is_reported_with_its_line(nets: Path, function: str, line: int) -> None:
    with pytest.raises(ModelError, match=rf"torch\.export cannot export it, .* \(nets\.py, line {line}\)$"):
        export(resolve(f"{nets}:{function}"))  # type: ignore[arg-type]


def test_what_does_not_export_without_a_line_of_the_users_is_reported_with_its_layer(nets: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot export it, .* \(in layer 1\.1, a Linear\)$"):
        export(resolve(f"{nets}:layers"))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_reported_as_what_they_are(value: float) -> None:
    net = torch.nn.Linear(4, 4)
    net.weight.data[0, 0] = value
    with pytest.raises(ModelError, match="has it NaN or infinity in its weights, masks or inputs"):
        lower(export(SourceModel(net, (torch.ones(1, 4),), None, "net")), Target.parse("ethos-u55-128"), seed=0)


class Computed(torch.nn.Module):
    """A linear layer whose weights another one computes."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = torch.nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, self.weights(x))


def test_weights_that_the_model_computes_are_reported_with_what_to_do() -> None:
    normed = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Conv2d(3, 4, 3))
    nets = (
        (Computed(), torch.ones(4, 4)),
        (torch.nn.Sequential(normed, torch.nn.BatchNorm2d(4)), torch.ones(1, 3, 8, 8)),
    )
    for net, example in nets:
        with pytest.raises(ModelError, match=r"; does it compute the weights .*remove_parametrizations$"):
            lower(export(SourceModel(net.eval(), (example,), None, "net")), Target.parse("ethos-u55-128"), seed=0)


def test_what_cannot_be_quantised_is_reported_with_its_layer(nets: Path) -> None:
    """ExecuTorch quantises the bias of a transposed convolution by its input's channels."""
    model = export(resolve(f"{nets}:grouped"))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"cannot be quantised, .* \(in \S*quantize_per_channel\S* of up_bias, .*\)$"):
        lower(model, Target.parse("ethos-u55-128"), seed=0)


def test_an_interpreter_s_error_names_the_operator() -> None:
    class Adds(torch.nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
            return first + second

    with pytest.raises(RuntimeError) as raised:
        fx.Interpreter(fx.symbolic_trace(Adds())).run(torch.ones(2), torch.ones(3))
    assert with_place(raised.value).endswith("(in operator.add of first, second)")


def test_an_error_in_a_pass_names_the_pass_and_not_all_before_it() -> None:
    cause = ValueError("no such layout")
    error = Exception("An error occurred when running the 'FoldPass' pass after the following passes: ['A', 'B']")
    error.__cause__ = cause
    assert with_place(error) == "ValueError: no such layout (in ExecuTorch's FoldPass)"


def test_an_error_without_a_place_is_reported_as_it_is() -> None:
    assert with_place(KeyError("x")) == "KeyError: 'x'"


@pytest.mark.parametrize("name", ["convolution", "native_layer_norm", "split_with_sizes_copy", "copy_"])
def test_operators_are_named_without_their_schema(name: str) -> None:
    operator = getattr(ops.edge.aten, name).default
    assert "schema = " in str(operator)
    said = one_line(RuntimeError(f"but {operator} was not eligible. Use another pipeline."))
    assert said == f"RuntimeError: but aten.{name}.default was not eligible. Use another pipeline."
