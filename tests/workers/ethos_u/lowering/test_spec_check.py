"""A compile spec is for the very target that a recipe is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workers.errors import ModelError
from workers.ethos_u.lowering.ahead_of_time.spec_check import check_spec
from workers.ethos_u.lowering.toolchain import ethos_u_compile_spec
from workers.ethos_u.target import BUNDLED_CONFIG, Target


def spec(*arguments: Any, **more: Any) -> Any:
    from executorch.backends.arm.ethosu import EthosUCompileSpec

    return EthosUCompileSpec(*arguments, **more)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-512", "ethos-u85-256"])
def test_the_same_target_is_taken(accelerator: str) -> None:
    target = Target.parse(accelerator)
    check_spec(spec(accelerator), target)
    check_spec(spec(accelerator, extra_flags=["--verbose-performance"]), target)
    check_spec(ethos_u_compile_spec(target), target)


def test_a_vela_configuration_counts_by_its_contents(tmp_path: Path) -> None:
    target = Target.parse("ethos-u55-128")
    copied = tmp_path / "board.ini"
    copied.write_text(target.config_text())
    check_spec(spec("ethos-u55-128", config_ini=str(copied)), target)
    copied.write_text(target.config_text().replace("core_clock=500e6", "core_clock=400e6"))
    with pytest.raises(ModelError, match="Vela configuration files have other contents"):
        check_spec(spec("ethos-u55-128", config_ini=str(copied)), target)
    assert target.vela_config == BUNDLED_CONFIG


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ({"target": "ethos-u55-256"}, "their accelerators say ethos-u55-256 and ethos-u55-128; give apply_recipe"),
        ({"memory_mode": "Sram_Only"}, "their memory modes say Sram_Only and Shared_Sram"),
        ({"system_config": "Ethos_U55_Deep_Embedded"}, "their system configurations say Ethos_U55_Deep_Embedded and"),
        ({"extra_flags": ["--optimise=Size"]}, "gives Vela --optimise=Size, which no recipe was tried with"),
        ({"extra_flags": ["--recursion-limit=2000"]}, "gives Vela --recursion-limit=2000"),
    ],
)
def test_another_target_or_flag_is_reported(arguments: dict[str, Any], reported: str) -> None:
    with pytest.raises(ModelError, match=reported):
        check_spec(spec(**{"target": "ethos-u55-128", **arguments}), Target.parse("ethos-u55-128"))
