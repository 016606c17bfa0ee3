"""Work on the CPU is counted, and never free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from workers.ethos_u.boards.preset import read_preset
from workers.ethos_u.cost.estimates.host_cost import CALL_CYCLES, PRICES, host_cycles, kind_of, operator_cycles
from workers.ethos_u.cost.estimates.host_operators import HostOperator, host_operators
from workers.ethos_u.target import Target


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


def test_an_operator_in_no_class_counts_as_a_function_of_the_c_library() -> None:
    assert kind_of("aten.frobnicate.default") == kind_of("my_op") == kind_of("aten.exp.default") == "function"
    assert all(PRICES[kind].instructions > 0 for kind in PRICES if kind != "view")


def test_nothing_is_done_for_a_view() -> None:
    assert operator_cycles(HostOperator("aten.view_copy.default", 1000, 1000)) == 0


def test_two_delegates_are_dearer_than_one_by_a_call_and_its_copies() -> None:
    """What is cut in two hands a tensor out of the first half and into the second."""
    whole = host_cycles([], [(1000, 10)])
    halves = host_cycles([], [(1000, 4000), (4000, 10)])
    assert halves - whole > CALL_CYCLES
    assert halves - whole > host_cycles([], [(10, 10), (10, 10)]) - host_cycles([], [(10, 10)])


def test_a_faster_cpu_does_its_part_in_fewer_cycles_of_the_npu() -> None:
    work, calls = [HostOperator("aten.relu.default", 10**6, 10**6)], [(10**6,)]
    alike, twice = host_cycles(work, calls), host_cycles(work, calls, 0.5)
    assert twice - CALL_CYCLES == pytest.approx((alike - CALL_CYCLES) / 2, abs=1)
    assert host_cycles([], [()] * 3, 0.0) == 3 * CALL_CYCLES, "what the NPU counted does not change"


def test_the_clock_of_the_cpu_is_the_board_s(tmp_path: Path) -> None:
    def of(preset: str) -> Target:
        board = read_preset(preset)
        return Target.parse(board.npu, board.system_config, board.memory_mode, str(board.written(tmp_path)))

    assert of("renesas-ra8p1").npu_cycles_per_cpu_cycle == 0.5
    assert of("alif-e7-hp").npu_cycles_per_cpu_cycle == Target.parse("ethos-u55-128").npu_cycles_per_cpu_cycle == 1


elements = st.integers(0, 10**7)
operators = st.builds(
    HostOperator,
    st.sampled_from(["aten.relu.default", "aten.convolution.default", "aten.exp.default", "aten.view_copy.default"]),
    elements, elements, elements,
)  # fmt: skip
calls_of_delegates = st.lists(st.integers(0, 10**6), max_size=4)


@given(st.lists(operators), st.lists(calls_of_delegates), operators, calls_of_delegates)
def test_more_work_is_never_cheaper(
    work: list[HostOperator], calls: list[list[int]], one: HostOperator, call: list[int]
) -> None:
    before = host_cycles(work, calls)
    assert host_cycles([*work, one], calls) == pytest.approx(before + operator_cycles(one), abs=1)
    assert host_cycles([*work, one], calls) >= before
    assert host_cycles(work, [*calls, call]) >= before + CALL_CYCLES
    assert host_cycles([replace(item, macs=item.macs + 1000) for item in work], calls) >= before


def test_an_operator_that_is_not_wrapped_by_the_edge_dialect_has_its_own_name() -> None:
    graph = torch.fx.Graph()
    graph.output(graph.call_function(torch.ops.aten.relu.default, (graph.placeholder("x"),)))
    module = torch.fx.GraphModule({}, graph)
    assert [one.name for one in host_operators(iter([module]))] == ["aten.relu.default"]
