"""Quantising, storing and lowering a model, and the file that comes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from support.programs.cortex_m import edge, inputs_of, lowered, quantised
from torch import nn

from workers.cortex_m.check.average_pool import integer_average_pool
from workers.cortex_m.check.compare import output_steps, same_bits, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Lowering
from workers.cortex_m.lowering.copied import copied
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.program_hash import program_hash
from workers.cortex_m.lowering.quantise import load, quantise, save
from workers.cortex_m.lowering.write import written
from workers.cortex_m.passes.base import Program
from workers.cortex_m.passes.edge.drop_clones import DropClones
from workers.cortex_m.passes.lowered.depthwise_to_convolution import DepthwiseToConvolution
from workers.cortex_m.passes.lowered.row_along_height import RowAlongHeight
from workers.cortex_m.target import Target
from workers.errors import ModelError


class Counts(nn.Module):
    """A net that also gives how often it was run."""

    count: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3)
        self.register_buffer("count", torch.ones(1, dtype=torch.int32))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.count.add_(1)
        return self.layer(x), self.count.clone()


def test_a_counter_starts_where_the_model_has_it() -> None:
    model, inputs = Counts().eval(), (torch.randn(1, 4, 8, 8),)
    module = quantise(model, inputs, [inputs] * 3).module(check_guards=False)
    assert int(model.count) == 1
    assert [int(module(*inputs)[1]) for _ in range(3)] == [2, 3, 4]


def test_a_stored_model_is_lowered_as_the_model_itself(tmp_path: Path) -> None:
    save(quantised("branches"), tmp_path / "model.pt2")
    program = Lowering(to_edge(load(tmp_path / "model.pt2")), Target.parse("cortex-m55")).lowered(())
    assert operator_calls(program) == operator_calls(lowered("branches"))
    wanted, found = (outputs_of(one, inputs_of("branches")) for one in (lowered("branches"), program))
    assert same_bits(found, wanted).equal


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ModelError, match="not a quantised program") as refusal:
        load(tmp_path / "model.pt2")
    assert "\n" not in str(refusal.value)


def test_what_cannot_be_exported_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if float(x.sum()) > 0 else -x

    with pytest.raises(ModelError, match="cannot be quantised for Cortex-M"):
        quantise(Branching(), (torch.ones(1, 4),))


def test_both_classes_compute_the_same() -> None:
    first, second = (outputs_of(lowered("branches", cpu), inputs_of("branches")) for cpu in ("cortex-m55", "cortex-m4"))
    assert same_bits(first, second).equal


def test_lowering_leaves_the_edge_program_as_it_is() -> None:
    before = [node.name for node in edge("branches").graph.nodes]
    Lowering(edge("branches"), Target.parse("cortex-m4")).lowered(())
    assert [node.name for node in edge("branches").graph.nodes] == before


def test_a_pass_that_upstream_does_not_have_is_named() -> None:
    @dataclass(frozen=True)
    class Misplaced(DropClones):
        before: ClassVar[str | None] = "NoSuchPass"

    program, target = edge("branches"), Target.parse("cortex-m4")
    message = r"no pass NoSuchPass; it has .*AtenToCortexMPass"
    with pytest.raises(ModelError, match=message):
        Lowering(program, target, without=["NoSuchPass"])
    with pytest.raises(ModelError, match=message):
        Lowering(program, target).in_order([Misplaced()])


def test_candidates_share_what_they_begin_with() -> None:
    runs: list[str] = []

    @dataclass(frozen=True)
    class Counted(DropClones):
        def apply(self, program: Program) -> list[str]:
            runs.append(str(self))
            return super().apply(program)

    dropout = Lowering(edge("dropout"), Target.parse("cortex-m4"))
    first = dropout.in_order([DepthwiseToConvolution(), Counted()])
    assert first == (Counted(),)  # the other one has no site
    second = dropout.in_order([RowAlongHeight(), Counted(), DropClones()])
    assert second == first  # what is dropped once is not there any more
    assert dropout.lowered(first) is dropout.lowered(second)
    assert runs == ["drop-clones"]
    assert dropout.sites((), Counted()) and not dropout.sites(first, Counted())


def test_copies_share_weights_and_no_graph() -> None:
    program = lowered("branches")
    other = copied(program)
    assert [*map(id, other.state_dict.values())] == [*map(id, program.state_dict.values())]
    assert program_hash(other) == program_hash(program)
    name = next(iter(other.state_dict))
    other.state_dict[name] = other.state_dict[name] + 1
    assert program_hash(other) != program_hash(program)
    other.graph.erase_node(other.graph.output_node())
    assert program.graph.output_node().args


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    file = written(lowered("branches"))
    file.to_file(tmp_path / "model.pte")
    assert (tmp_path / "model.pte").read_bytes() == file.content
    assert file.content[4:8] == b"ET12"
    # The two images side by side are 2 x 4 x 8 x 8 bytes.
    assert file.planned_sram > 512


def test_a_lowered_program_is_priced_completely() -> None:
    cost = price(operator_calls(lowered("branches")), Target.parse("cortex-m55"))
    assert [one.operator for one in cost.operators].count("quantized_conv2d_nhwc") == 2
    assert not cost.uncosted
    assert cost.instructions > cost.runtime > 0
    assert "CMSIS-NN 99f736a, GCC 12.2 -Ofast, cortex-m55" in cost.label


def test_the_average_pool_rounds_halves_away_from_zero() -> None:
    image = torch.tensor([[[[1, 2], [-1, -2]]]], dtype=torch.int8)
    assert integer_average_pool(image, (1, 2), (1, 2), (0, 0), False).flatten().tolist() == [2, -2]  # 1.5, -1.5
    padded = integer_average_pool(torch.full((1, 1, 3, 3), 7, dtype=torch.int8), (3, 3), (1, 1), (1, 1), False)
    assert padded.unique().tolist() == [7]  # padding does not count


def test_outputs_of_another_shape_or_two_steps_off_do_not_pass() -> None:
    program, inputs = lowered("branches"), inputs_of("branches")
    (step,) = steps = output_steps(program)
    assert step is not None
    found = outputs_of(program, inputs)
    assert within_one_step(found, outputs_of(quantised("branches"), inputs), steps).equal
    off = (found[0].clone(),)
    off[0].view(-1)[3] += 2 * step
    assert "2.0 steps" in within_one_step(off, found, steps).message
    assert "1 of" in same_bits(off, found).message
    assert "instead of" in same_bits((found[0][:, :1],), found).message
