"""Writing a `.pte` and holding it to the program that was checked."""

from pathlib import Path

import pytest
from support.vulkan_nets import Attention, exported, made, mlp
from torch import nn

from workers.errors import ModelError
from workers.vulkan.files.pte import judge_pte, pte_bytes, read_pte, verify, write_pte
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL
from workers.vulkan.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.scheme import Scheme
from workers.vulkan.target import VulkanTarget


def anew(model, **settings) -> Lowered:
    """A program of the test's own, since writing uses it up."""
    return lower(model, VulkanTarget(), Settings(**settings), model.calibration_inputs)


def test_what_is_read_from_the_file_is_what_was_lowered(tmp_path: Path) -> None:
    program = anew(mlp(), schemes={1: Scheme.W4G32})
    graphs = graphs_of(program)
    write_pte(program, "mlp", tmp_path / "new" / "mlp.pte")
    content = (tmp_path / "new" / "mlp.pte").read_bytes()
    found = read_pte(content, "mlp")
    assert found.graphs == graphs
    assert sum(found.constants.values()) == graphs[0].constant_bytes
    assert str(judge_pte(content, "mlp")) == NOT_KNOWN_TO_FAIL


def test_a_file_with_infinite_bounds_and_operators_on_the_cpu_is_read_and_judged() -> None:
    """Attention masks with minus infinity, at which ExecuTorch's own reader stops."""
    content = pte_bytes(anew(made(Attention, 1, 8, 32)), "attention")
    found = read_pte(content, "attention")
    assert len(found.blobs) == 3
    assert "aten.logical_not.default" in str(judge_pte(content, "attention"))


def test_a_file_that_is_another_programs_is_not_taken() -> None:
    ours, other = (pte_bytes(anew(exported(nn.Linear(8, n), 4, 8)), "linear") for n in (8, 12))
    verify(ours, read_pte(ours, "linear").blobs, "linear")
    with pytest.raises(ModelError, match="not those that were evaluated"):
        verify(ours, read_pte(other, "linear").blobs, "linear")


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\x00\x00\x00\x00ET12" + b"\xff" * 64])
def test_what_is_no_program_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"not an ExecuTorch program|damaged or cut off"):
        read_pte(content, "file")
