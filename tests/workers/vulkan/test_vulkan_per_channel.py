"""Linear layers with weights of 4 and of 8 bits for each channel, by the commands that people use: from quantise and
dequantise around them to linear_qcs4w and linear_qcs8w."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from executorch.backends.vulkan.quantizer.vulkan_quantizer import VulkanQuantizer, get_symmetric_quantization_config
from support.processes.person import Person
from torch import nn
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from workers.checking.sqnr import sqnr_of_outputs

pytestmark = pytest.mark.slow

# No group of 32 divides the 260 input channels, and no 8 the 20 output channels.
NETS = """
import torch

def linear(outputs):
    torch.manual_seed(0)
    inputs = [(torch.randn(2, 260),) for _ in range(2)]
    return torch.nn.Linear(260, outputs, bias=False).eval(), inputs[0], inputs

def four():
    return linear(64)

def eight():
    return linear(20)
"""
FOUR, EIGHT = "nets.py:four", "nets.py:eight"
LIMITS = ("--target", "vulkan", "--allow-precision", "--min-sqnr", "20")


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Person:
    folder = tmp_path_factory.mktemp("channels")
    somebody = Person(folder)
    (folder / "nets.py").write_text(NETS)
    return somebody


@pytest.fixture(scope="module")
def tuned(person: Person) -> list[Mapping[str, Any]]:
    """Both nets."""
    out, _ = person.types("tune", FOUR, EIGHT, *LIMITS, "--trials", "16", "--jobs", "1", "--json", "--out", "pages")
    found: list[Mapping[str, Any]] = json.loads(out)
    return found


def quantised_db(folder: Path, net: str, bits: int) -> float:
    """Of the net as PyTorch quantises its weights, which are all that is quantised, run by PyTorch."""
    source: dict[str, Any] = {}
    exec((folder / "nets.py").read_text(), source)
    module, _, inputs = source[net]()
    quantised = by_user(*source[net](), bits)
    with torch.no_grad():
        (found,) = sqnr_of_outputs([(module(*one),) for one in inputs], [(quantised(*one),) for one in inputs])
    return found


def by_user(module: nn.Module, example: tuple[Any, ...], inputs: Sequence[tuple[Any, ...]], bits: int) -> nn.Module:
    """Quantised by ExecuTorch's quantiser as its documentation says."""
    quantizer = VulkanQuantizer().set_global(get_symmetric_quantization_config(weight_bits=bits))
    prepared = prepare_pt2e(torch.export.export(module, example).module(), quantizer)
    for each in inputs:
        prepared(*each)
    return convert_pt2e(prepared)


@pytest.mark.parametrize(
    ("place", "net", "bits", "operator"),
    [(0, "four", 4, "et_vk.linear_qcs4w.default"), (1, "eight", 8, "aten._weight_int8pack_mm.default")],
)
def test_a_pass_of_the_recipe_makes_one_operator_of_it(
    person: Person, tuned: list[Mapping[str, Any]], place: int, net: str, bits: int, operator: str
) -> None:
    found, source, name = tuned[place], f"nets.py:{net}", f"linear{bits}"
    assert found["recipe"] == f"scheme=w{bits} | fuse-linear-qcs{bits}w"
    # The margin for what the references may be wrong by is taken off.
    assert found["quality"]["sqnr_db"] == pytest.approx(quantised_db(person.home, net, bits) - 0.5, abs=0.01)
    person.types("apply", source, *LIMITS, "--out", f"{name}.pte")
    assert f"| `{operator}` | 0 | " in (person.home / f"{name}.report.md").read_text()
    assert "verified. 1 delegate by" in person.types("verify", f"{name}.pte")[0]
    looked_up = json.loads(person.types("lookup", source, *LIMITS, "--json")[0])
    assert looked_up["best"]["recipe"] == found["recipe"]


@pytest.mark.parametrize(("net", "bits"), [("four", 4), ("eight", 8)])
def test_a_quantised_file_is_fused_and_written(person: Person, net: str, bits: int) -> None:
    source: dict[str, Any] = {}
    exec(NETS, source)
    module, example, inputs = source[net]()
    file = f"{net}.pt2"
    torch.export.save(torch.export.export(by_user(module, example, inputs, bits), example), person.home / file)
    (found,) = json.loads(person.types("tune", file, *LIMITS, "--trials", "8", "--jobs", "1", "--json")[0])
    assert found["recipe"] == f"fuse-linear-qcs{bits}w"
    assert found["quality"]["sqnr_db"] > 100
    person.types("apply", file, *LIMITS, "--out", f"{net}.pte")
    assert "verified. 1 delegate by" in person.types("verify", f"{net}.pte")[0]


def test_there_is_a_page_of_each(person: Person, tuned: list[Mapping[str, Any]]) -> None:
    texts = [page.read_text() for page in sorted((person.home / "pages").rglob("*.html"))]
    assert all(any(one["recipe"] in text for text in texts) for one in tuned)


@pytest.mark.parametrize(
    ("source", "recipe", "reason"),
    [
        (FOUR, "half=yes,scheme=w4 | fuse-linear-qcs4w", "linear_qcs4w"),
        (EIGHT, "scheme=w4 | fuse-linear-qcs4w", "no multiple of 8, which linear_qcs4w computes wrongly"),
    ],
)
def test_where_it_would_not_load_the_gate_says_why(person: Person, source: str, recipe: str, reason: str) -> None:
    error = person.types("apply", source, *LIMITS, "--recipe", recipe, "--out", "refused.pte", expect=2)[1]
    assert reason in error and not (person.home / "refused.pte").exists()
