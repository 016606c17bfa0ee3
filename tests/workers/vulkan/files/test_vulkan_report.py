"""The report beside a file: why it splits and what joins it, bytes that add up, and the quality of layers."""

from __future__ import annotations

import re

import pytest
from support.vulkan_nets import attention_programs

from search_space.recipe.recipe import Recipe
from workers.vulkan.programs import VulkanPrograms


@pytest.fixture
def programs() -> VulkanPrograms:
    return attention_programs()


def test_it_says_why_the_default_splits_and_what_each_layer_is(programs: VulkanPrograms) -> None:
    program = programs.built(Recipe.parse("scheme=w4-g32@1 | spell-attention"))
    text = programs.report(program)
    assert "## Why the default is in 3 delegates" in text and "spell-attention (--allow-requant) removes it" in text
    assert "## Why the file is in 1 delegate\n\nNothing is left on the CPU." in text
    assert "the runtime registers no such operator" in text
    (first,) = re.findall(r"\| 1 \| qkv \| linear \| 3,072 \| w4-g32 \| ([0-9.]+) dB \|", text)
    assert 5 < float(first) < 40
    assert "| 2 | out | linear | 1,024 | fp |  |" in text
    assert "No device time was measured" in text


def test_bytes_by_operator_add_up_to_what_is_moved(programs: VulkanPrograms) -> None:
    text = programs.report(programs.built(Recipe.parse("spell-attention")))
    rows = re.findall(r"\| `[^`]+` \| ([0-9,]+) \| ([0-9,]+) \|", text)
    (moved,) = re.findall(r"\| bytes moved \| ([0-9,]+) \| ([0-9,]+) \|", text)
    for side in (0, 1):
        assert sum(int(one[side].replace(",", "")) for one in rows) == int(moved[side].replace(",", ""))


def test_the_stock_lowering_is_described_for_whoever_starts_a_search(programs: VulkanPrograms) -> None:
    on_cpu, lines = programs.described_default()
    assert sorted(on_cpu) == ["aten.any.dim", "aten.mul.Scalar", "aten.mul.Scalar"]
    assert any(one.startswith("aten.mul.Scalar 2 times on the CPU") and "spell-attention" in one for one in lines)
    assert any("logical_not" in one for one in lines)
