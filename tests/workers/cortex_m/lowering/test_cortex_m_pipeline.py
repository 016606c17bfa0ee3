"""Models that ExecuTorch's pipeline with explicit layouts refuses, lowered with passes of our own."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.export import ExportedProgram
from torch.nn import functional

from benchmarks.cortex_m.models import Silero
from workers.cortex_m.check.compare import output_steps, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.pipeline.passes import passes_in_order
from workers.cortex_m.lowering.program_hash import program_hash
from workers.cortex_m.lowering.quantise import quantise
from workers.cortex_m.target import Target
from workers.errors import ModelError

M4 = Target.parse("cortex-m4")

Function = Callable[[torch.Tensor], torch.Tensor]
IMAGE = (torch.linspace(-1, 1, 256).sin().reshape(1, 4, 8, 8),)


class Does(nn.Module):
    """A function of a value, and one of what a layer gives of it or takes from it."""

    def __init__(self, layer: nn.Module, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.function = layer, function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer, x)


def lowered(layer: nn.Module, function: Callable[..., torch.Tensor], inputs: tuple[torch.Tensor, ...]) -> (
    tuple[ExportedProgram, ExportedProgram]
):  # fmt: skip
    """A quantised model, and what it is lowered to."""
    quantised = quantise(Does(layer, function).eval(), inputs)
    return quantised, Lowering(to_edge(quantised), M4).lowered(())


def kinds_of(program: ExportedProgram) -> list[str]:
    return [one.operator for one in operator_calls(program)]


def is_right(quantised: ExportedProgram, program: ExportedProgram, inputs: tuple[torch.Tensor, ...]) -> bool:
    """Whether a program gives what PyTorch computes of the quantised model."""
    found, wanted = outputs_of(program, inputs), outputs_of(quantised, inputs)
    return within_one_step(found, wanted, output_steps(program)).equal


LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolution": (lambda: nn.Conv2d(4, 5, 3, padding=1), (1, 4, 6, 6)),
    "row": (lambda: nn.Conv1d(4, 5, 3, padding=1), (1, 4, 9)),
    "linear": (lambda: nn.Linear(4, 5), (3, 4)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 5, 3, padding=1), (1, 4, 6, 6)),
}


@settings(max_examples=10)
@given(
    kind=st.sampled_from(sorted(LAYERS)),
    least=st.sampled_from([None, 0.0, -0.1]),
    most=st.sampled_from([None, 0.2, 6.0]),
    beside=st.floats(0.1, 4),
    seed=st.integers(0, 9),
)
def test_an_activation_is_fused_though_values_beside_it_are_beyond_its_bounds(
    kind: str, least: float | None, most: float | None, beside: float, seed: int
) -> None:
    torch.manual_seed(seed)
    make, shape = LAYERS[kind]
    inputs = (torch.randn(shape),)
    axis = -1 if kind == "linear" else 1

    def bounded(value: torch.Tensor) -> torch.Tensor:
        if (least, most) == (0.0, None):
            return functional.relu(value)
        return value if least is most is None else torch.clamp(value, least, most)

    def joined(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([bounded(layer(x)), beside * x], axis)

    quantised, program = lowered(make(), joined, inputs)
    assert not {"relu", "clamp", "hardtanh", "convolution", "linear"} & set(kinds_of(program))
    assert is_right(quantised, program, inputs)


@pytest.mark.parametrize(
    "joined",
    [
        lambda layer, x: torch.cat([functional.relu(x + x), layer(x)], 1),
        lambda layer, x: torch.cat([functional.hardsigmoid(3 * layer(x)), 3 * x], 1),
        lambda layer, x: torch.cat([functional.hardsigmoid(layer(x)), 3 * x], 1),
    ],
    ids=["sum", "product", "hardsigmoid"],
)
def test_other_activations_are_right_too(joined: Callable[..., torch.Tensor]) -> None:
    quantised, program = lowered(nn.Conv2d(4, 4, 1), joined, IMAGE)
    assert not {"relu", "clamp", "convolution"} & set(kinds_of(program))
    assert is_right(quantised, program, IMAGE)


TABLES: dict[str, Function] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "log": lambda x: torch.log(torch.sigmoid(x)),
    "rsqrt": lambda x: torch.rsqrt(torch.sigmoid(x)),
    "one after the other": lambda x: torch.tanh(torch.sigmoid(x)),
    "gate": lambda x: torch.tanh(x) * torch.sigmoid(x),
    "quotient": lambda x: x / torch.sigmoid(x),
}


@pytest.mark.parametrize("function", TABLES.values(), ids=TABLES)
def test_what_pytorch_computes_in_float_may_stand_before_a_convolution(function: Function) -> None:
    torch.manual_seed(0)
    quantised, program = lowered(nn.Conv2d(4, 5, 3), lambda layer, x: layer(function(x)), IMAGE)
    # Only the input and the output are in float, and what is moved between layouts is int8.
    assert kinds_of(program).count("quantize_per_tensor") == kinds_of(program).count("dequantize_per_tensor") == 1
    moved = [node for node in program.graph.nodes if "transpose" in node.name]
    assert {node.meta["val"].dtype for node in moved} == {torch.int8}
    assert is_right(quantised, program, IMAGE)


@pytest.mark.parametrize("function", [torch.sigmoid, torch.tanh])
def test_a_table_behind_a_linear_layer_stays_a_table(function: Function) -> None:
    # PyTorch gives int32 for a linear layer of int8.
    torch.manual_seed(0)
    inputs = (torch.randn((2, 6)),)
    quantised, program = lowered(nn.Linear(6, 4), lambda layer, x: function(layer(x)), inputs)
    assert {"quantized_linear", "quantized_activation"} <= set(kinds_of(program))
    assert is_right(quantised, program, inputs)


FLOATS: dict[str, tuple[Callable[[], nn.Module], Callable[..., torch.Tensor], str]] = {
    "groups": (
        lambda: nn.ConvTranspose2d(40, 40, 3, 2, groups=40), lambda layer, x: layer(x.repeat(1, 10, 1, 1)),
        "convolution",
    ),
    "average by another number": (
        lambda: nn.Conv2d(4, 5, 3), lambda layer, x: functional.avg_pool2d(layer(x), 2, divisor_override=3),
        "avg_pool2d",
    ),
    "rounded up": (
        lambda: nn.Conv2d(4, 5, 4), lambda layer, x: functional.max_pool2d(layer(x), 2, ceil_mode=True),
        "max_pool2d_with_indices",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "function", "kind"), FLOATS.values(), ids=FLOATS)
def test_a_convolution_or_pool_without_a_kernel_of_its_own_is_a_portable_one(
    make: Callable[[], nn.Module], function: Callable[..., torch.Tensor], kind: str
) -> None:
    torch.manual_seed(0)
    quantised, program = lowered(make(), function, IMAGE)
    assert kind in kinds_of(program)
    assert is_right(quantised, program, IMAGE)


def test_what_no_kernel_computes_is_named() -> None:
    quantised = quantise(nn.Conv3d(2, 4, 3).eval(), (torch.ones((1, 2, 4, 4, 4)),))
    with pytest.raises(ModelError, match=r"cortex-m4: RuntimeError: there is no kernel for aten_convolution") as raised:
        Lowering(to_edge(quantised), M4).lowered(())
    assert "\n" not in str(raised.value)


def test_the_default_pipeline_is_executorch_s_own() -> None:
    modules = {one.__module__.partition(".")[0] for one in passes_in_order(explicit_layout=False)}
    assert modules == {"executorch"}
    assert "workers" in {one.__module__.partition(".")[0] for one in passes_in_order(explicit_layout=True)}


def test_a_model_that_executorch_lowers_goes_through_its_own_passes_alone() -> None:
    # A root between convolutions: ExecuTorch removes the transposes around it while it is PyTorch's operator.
    edge = to_edge(quantise(Silero().eval(), (torch.rand(1, 1, 640),)))
    own = Lowering(edge, M4).lowered(())
    stock = Lowering(edge, M4, without=["EarlyIntegers"]).lowered(())
    assert program_hash(own) == program_hash(stock)
    assert not [one for one in operator_calls(own) if one.operator == "transpose"]
