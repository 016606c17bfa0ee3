"""Work on the CPU is counted, and never free."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from workers.host_cost import CALL_INSTRUCTIONS, INSTRUCTIONS, call_cycles, host_cycles, kind_of, operator_cycles
from workers.host_operators import HostOperator, host_operators


def on_host(module: nn.Module, *inputs: torch.Tensor) -> list[HostOperator]:
    """All operators of a module that no partitioner takes anything of."""
    from executorch.exir import to_edge

    program = to_edge(torch.export.export(module.eval(), inputs)).exported_program()
    return list(host_operators(iter([program.graph_module])))


class Product(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.bmm(a, b)


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (nn.Conv2d(4, 6, 3, stride=2), [(1, 4, 9, 11)]),
        (nn.Conv2d(8, 16, (3, 1), groups=4, bias=False), [(2, 8, 7, 7)]),
        (nn.Conv1d(3, 5, 7, dilation=2), [(1, 3, 40)]),
        (nn.ConvTranspose2d(6, 4, 3, stride=2), [(1, 6, 5, 4)]),
        (nn.Linear(12, 7), [(3, 12)]),
        (nn.Linear(12, 7, bias=False), [(2, 5, 12)]),
        (Product(), [(2, 3, 4), (2, 4, 5)]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_multiply_accumulates_are_those_that_torch_counts(module: nn.Module, shapes: list[tuple[int, ...]]) -> None:
    inputs = [torch.randn(shape) for shape in shapes]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    assert sum(one.macs for one in on_host(module, *inputs)) == counter.get_total_flops() / 2 > 0


def test_elements_are_those_of_operands_and_results() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x.relu(), x], 1).mean((2, 3))

    assert on_host(Net(), torch.randn(1, 3, 4, 5)) == [
        HostOperator("aten.relu.default", 60, 60),
        HostOperator("aten.cat.default", 120, 120),
        HostOperator("aten.mean.dim", 120, 6),
    ]


def test_an_operator_in_no_class_is_the_dearest_per_element() -> None:
    assert kind_of("aten.frobnicate.default") == kind_of("my_op") == "function"
    per_element = {kind: count for kind, count in INSTRUCTIONS.items() if kind != "product"}
    assert max(per_element, key=per_element.__getitem__) == "function"


elements = st.integers(0, 10**7)
operators = st.builds(
    HostOperator,
    st.sampled_from(["aten.relu.default", "aten.convolution.default", "aten.exp.default", "aten.view_copy.default"]),
    elements, elements, elements,
)  # fmt: skip


@given(st.lists(operators), st.lists(st.integers(0, 10**6)), operators, st.integers(0, 10**6))
def test_more_work_is_never_cheaper(work: list[HostOperator], calls: list[int], one: HostOperator, call: int) -> None:
    before = host_cycles(work, calls)
    assert host_cycles([*work, one], calls) == before + operator_cycles(one) >= before
    assert host_cycles(work, [*calls, call]) == before + call_cycles(call) >= before + CALL_INSTRUCTIONS
