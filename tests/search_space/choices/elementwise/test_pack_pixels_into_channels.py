"""What is filled is not stored beyond its tensor."""

import pytest
from support.random.sums import FEW_CHANNELS

from benchmarks.correctness.miscompilations.detection.open_to import open_to
from search_space.choices.elementwise.pack_pixels_into_channels import PackPixelsIntoChannels
from search_space.ir.graph import Graph
from search_space.tosa_file.writer import write_tosa
from velatune.testing import PassContract
from velatune.testing.program import Program
from workers.ethos_u.command_stream import decode
from workers.ethos_u.npu_model.static_checks.expected_accesses import expected_accesses
from workers.ethos_u.npu_model.static_checks.guard import guard
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa


def softmax() -> Graph:
    """The middle of a softmax over 12 channels, as ExecuTorch writes it, beside another reader of its inputs."""
    p = Program()
    values, most = p.input(2, 12, 12), p.input(2, 12, 1)
    below = p.op("SUB", (p.rescale(values, "INT32", 1.0), p.rescale(most, "INT32", 1.0)), (2, 12, 12), "INT32")
    powers = p.table(p.rescale(below, "INT8", 0.5))
    total = p.op("REDUCE_SUM", (p.rescale(powers, "INT32", 1.0),), (2, 12, 1), axis=2)
    return p.graph(p.rescale(total, "INT8", 0.1), p.add(values, values))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_a_softmax_is_compiled_right_when_filled(accelerator: str) -> None:
    filled = PackPixelsIntoChannels().apply(softmax())
    assert any(filled[i].type.shape == (1, 6, 48) for i in filled.operator_ids), "its table"
    assert "brick-padding" not in open_to(filled, accelerator.rpartition("-")[0])
    compiled = compile_tosa(write_tosa(filled), Target.parse(accelerator))
    decoded = decode(compiled.command_stream)
    assert guard(compiled.npu_program, decoded, expected_accesses(filled, compiled.operators)) == []


class TestPackPixelsIntoChannels(PassContract):
    a_pass = PackPixelsIntoChannels()
    operators = FEW_CHANNELS
