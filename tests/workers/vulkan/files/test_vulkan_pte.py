"""Writing a `.pte` and holding it to the program that was checked."""

import subprocess
import sys

import pytest
import torch
from executorch.backends.vulkan.serialization.vulkan_graph_serialize import (
    extract_vk_flatbuffer,
    flatbuffer_to_vk_graph,
)
from support.vulkan_nets import Attention, made, mlp
from torch import nn

from workers.errors import ModelError
from workers.vulkan.files.pte import judge_pte, pte_bytes, read_pte, verify
from workers.vulkan.gate.verdict import NOT_KNOWN_TO_FAIL
from workers.vulkan.lowering.graph.lowered_graphs import graphs_of
from workers.vulkan.lowering.lowered import Lowered
from workers.vulkan.lowering.lowering import lower
from workers.vulkan.lowering.settings import Settings
from workers.vulkan.model.scheme import Scheme
from workers.vulkan.target import VulkanTarget


def anew(model, **settings) -> Lowered:
    """A program of the test's own, since writing uses it up."""
    return lower(model, VulkanTarget(), Settings(**settings), model.calibration_inputs)


@pytest.fixture(scope="module")
def attention() -> bytes:
    """Three delegates with operators on the CPU between them, and masks with minus infinity."""
    return pte_bytes(anew(made(Attention, 1, 8, 32)), "attention")


def test_what_is_read_from_the_file_is_what_was_lowered(attention: bytes) -> None:
    program = anew(mlp(), schemes={1: Scheme.W4G32})
    graphs, blobs = graphs_of(program), tuple(one.data for one in program.delegates)
    content = pte_bytes(program, "mlp")
    found = read_pte(content, "mlp")
    assert found.graphs == graphs
    assert sum(found.constants.values()) == graphs[0].constant_bytes
    assert str(judge_pte(content, "mlp")) == NOT_KNOWN_TO_FAIL
    verify(content, blobs, "mlp")
    with pytest.raises(ModelError, match="not those that were evaluated"):
        verify(content, read_pte(attention, "attention").blobs, "mlp")


def test_a_file_with_infinite_scalars_is_read_and_judged(attention: bytes) -> None:
    (blob, *_) = (one for one in read_pte(attention, "attention").blobs if b"logical_not" in one)
    with pytest.raises(ValueError, match="Expecting value"):
        flatbuffer_to_vk_graph(extract_vk_flatbuffer(blob))
    assert len(read_pte(attention, "attention").blobs) == 3
    assert "aten.logical_not.default" in str(judge_pte(attention, "attention"))


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\x00\x00\x00\x00ET12" + b"\xff" * 64])
def test_what_is_no_program_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"not an ExecuTorch program|damaged or cut off"):
        read_pte(content, "file")


class Counted(nn.Module):
    """Nothing that the partitioner takes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.topk(x, 2)[0]


def test_a_model_without_anything_for_the_gpu_is_said_to_be_so() -> None:
    with pytest.raises(ModelError, match="all of its operators stay on the CPU"):
        pte_bytes(anew(made(Counted, 2, 8)), "counted")


def test_a_fresh_process_reads_a_file_without_a_word() -> None:
    read = "from workers.vulkan.files.pte import read_pte\ntry: read_pte(b'0000ET12', 'file')\nexcept Exception: pass"
    found = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True)
    assert (found.stdout, found.stderr) == ("", "")
