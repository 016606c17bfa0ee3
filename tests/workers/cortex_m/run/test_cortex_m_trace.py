"""Traces name the operators that a processor computes otherwise, and none that only read what these gave."""

from collections.abc import Callable

import pytest
import torch
from support.programs.cortex_m import inputs_of, lowered
from torch.fx import Node

from workers.cortex_m.check.execute import AsKernels, outputs_anew, outputs_of
from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import results_of
from workers.cortex_m.lowering.write import written
from workers.cortex_m.run.trace import compared, with_all_results
from workers.cortex_m.target import InstructionSet

DSP = InstructionSet.DSP
Change = Callable[[torch.Tensor], torch.Tensor]


class Processor(AsKernels):
    """Computes one kind of operators otherwise, and keeps all results."""

    def __init__(self, module: torch.fx.GraphModule, kind: str, change: Change) -> None:
        super().__init__(module, DSP)
        self._kind, self._change = kind, change
        self.results: dict[str, torch.Tensor] = {}

    def run_node(self, n: Node) -> object:
        value = super().run_node(n)
        if n.op == "call_function" and operator_of(n) == self._kind:
            value = tuple(map(self._change, value)) if isinstance(value, tuple) else self._change(value)
        if n.op == "call_function" and isinstance(value, torch.Tensor):
            self.results[n.name] = value.clone()
        return value


@pytest.mark.parametrize(
    ("kind", "change", "in_float", "names"),
    [
        ("native_layer_norm", lambda one: one * 1.05, True, ["aten_native_layer_norm_default[0]"]),
        (
            "quantized_linear", lambda one: -one.clamp(-127), False,
            ["cortex_m_quantized_linear_default", "cortex_m_quantized_linear_default_1"],
        ),
        ("relu", lambda one: one, False, []),
    ],
)  # fmt: skip
def test_an_operator_is_named_where_its_own_result_differs(
    kind: str, change: Change, in_float: bool, names: list[str]
) -> None:
    program, inputs = lowered("normalised", "cortex-m4"), inputs_of("normalised")
    module = program.module(check_guards=False)
    processor = Processor(module, kind, change)
    (given,) = outputs_anew(module, inputs, processor)
    (right,) = outputs_of(program, inputs, DSP)
    assert torch.equal(given, right) == (not names)
    differing = [one for one in compared(program, inputs, processor.results, DSP) if one.differing]
    assert [(one.name, one.in_float) for one in differing] == [(name, in_float) for name in names]
    assert all(one.gap > 0 and one.largest > 0 for one in differing)


@pytest.mark.parametrize("name", ["normalised", "moves", "halves"])
def test_a_program_that_gives_all_results_can_be_written_and_gives_its_outputs_first(name: str) -> None:
    program, inputs = lowered(name, "cortex-m4"), inputs_of(name)
    before = str(program.graph)
    telling = with_all_results(program)
    assert str(program.graph) == before
    outputs, found = outputs_of(program, inputs, DSP), outputs_of(telling, inputs, DSP)
    assert len(found) == len(results_of(telling)) > len(outputs)
    assert all(torch.equal(one, other) for one, other in zip(outputs, found, strict=False))
    assert len(written(telling).content) > len(written(program).content)
