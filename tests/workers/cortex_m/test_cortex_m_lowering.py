"""Quantising, storing and lowering a model, and the file that comes of it."""

from pathlib import Path

import pytest
import torch
from support.programs.cortex_m import edge, inputs_of, lowered, quantised
from torch import nn

from workers.cortex_m.check.average_pool import integer_average_pool
from workers.cortex_m.check.compare import output_steps, same_bits, within_one_step
from workers.cortex_m.check.execute import outputs_of
from workers.cortex_m.cost.price import price
from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.lowering.candidate import Insertion, lower
from workers.cortex_m.lowering.edge import to_edge
from workers.cortex_m.lowering.quantise import load, quantise, save
from workers.cortex_m.lowering.write import written
from workers.cortex_m.target import Target
from workers.errors import ModelError


def test_a_stored_model_is_lowered_as_the_model_itself(tmp_path: Path) -> None:
    save(quantised("branches"), tmp_path / "model.pt2")
    program = lower(to_edge(load(tmp_path / "model.pt2")), Target.parse("cortex-m55"))
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
    lower(edge("branches"), Target.parse("cortex-m4"))
    assert [node.name for node in edge("branches").graph.nodes] == before


def test_a_pass_that_upstream_does_not_have_is_named() -> None:
    for insertions, without in (([Insertion(object, before="NoSuchPass")], []), ([], ["NoSuchPass"])):
        with pytest.raises(ModelError, match=r"no pass NoSuchPass; it has .*AtenToCortexMPass"):
            lower(edge("branches"), Target.parse("cortex-m4"), insertions, without)


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
