"""The board's memories, as Vela reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.errors import ModelError
from workers.ethos_u.cost.stream_cost.hardware.board import ARENA, CONSTANTS, STAGING, Memory, memories
from workers.ethos_u.target import Target


def facts(memory: Memory) -> tuple[str, float, int, int, int]:
    return memory.name, memory.bytes_per_cycle, memory.read_latency, memory.write_latency, memory.burst_bytes


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_bandwidths_are_those_of_vela_s_python(accelerator: str) -> None:
    target = Target.parse(accelerator)
    architecture = target.vela_architecture()
    areas = {
        CONSTANTS: architecture.permanent_storage_mem_area, ARENA: architecture.feature_map_storage_mem_area,
        STAGING: architecture.fast_storage_mem_area,
    }  # fmt: skip
    for region, memory in memories(target).items():
        area = areas[region]
        assert memory.bytes_per_cycle == architecture.memory_bandwidths_per_cycle[area]
        assert memory.burst_bytes == architecture.memory_burst_length[area]


def test_regions_in_one_memory_share_it() -> None:
    shared = memories(Target.parse("ethos-u55-128"))
    assert [memory.name for _, memory in sorted(shared.items())] == ["OffChipFlash", "Sram", "Sram"]
    assert shared[ARENA] is shared[STAGING]
    assert facts(shared[CONSTANTS]) == ("OffChipFlash", 1.0, 64, 0, 128)
    dedicated = memories(Target.parse("ethos-u65-256"))
    assert dedicated[CONSTANTS] is dedicated[ARENA] and dedicated[STAGING].name == "Sram"
    assert len(set(memories(Target.parse("ethos-u85-256")).values())) == 1


def test_a_section_inherits_and_an_unknown_memory_is_reported(tmp_path: Path) -> None:
    text = Target.parse("ethos-u55-128").config_text()
    mine = tmp_path / "mine.ini"
    mine.write_text(text + "\n[Memory_Mode.Mine]\ninherit=Memory_Mode.Shared_Sram\narena_cache_size=1000\n")
    target = Target.parse("ethos-u55-128", memory_mode="Mine", vela_config=str(mine))
    assert facts(memories(target)[ARENA])[0] == "Sram"
    broken = Target("ethos-u55-128", "Ethos_U55_High_End_Embedded", "Missing", str(mine))
    with pytest.raises(ModelError, match="does not describe its memories"):
        memories(broken)
