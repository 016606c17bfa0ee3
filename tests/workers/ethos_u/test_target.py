import re
from pathlib import Path

import pytest

from workers.errors import ModelError
from workers.ethos_u.target import Target

FAMILIES = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]


@pytest.mark.parametrize("accelerator", FAMILIES)
def test_defaults_are_executorch_s(accelerator: str) -> None:
    from executorch.backends.arm.ethosu import EthosUCompileSpec

    target = Target.parse(accelerator)
    assert EthosUCompileSpec(accelerator).compiler_flags == [
        f"--accelerator-config={target.accelerator}",
        f"--config={target.vela_config}",
        "--output-format=raw",
        f"--system-config={target.system_config}",
        f"--memory-mode={target.memory_mode}",
    ]


def test_every_accelerator_that_vela_knows_has_defaults() -> None:
    from ethosu.vela.architecture_features import Accelerator

    assert [Target.parse(name).accelerator for name in Accelerator.member_list()] == Accelerator.member_list()


def test_names_are_case_insensitive_where_vela_is_not() -> None:
    assert Target.parse("Ethos-U55-128") == Target.parse("ethos-u55-128")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ethos-u55-129",), r"--target ethos-u55-129: .*ethos-u55-128"),
        (("cortex-m55",), r"--target cortex-m55: .*ethos-u"),
        (("ethos-u55-128", "High_End"), r"--system-config High_End: .*Ethos_U55_High_End_Embedded"),
        (("ethos-u55-128", None, "sram"), r"--memory-mode sram: .*Shared_Sram, Dedicated_Sram"),
        (("ethos-u55-128", None, None, "no-such.ini"), r"--vela-config no-such\.ini: no such file"),
        (("ethos-u55-128", None, None, "README.md"), r"--vela-config README\.md: .*\.ini"),
        # Vela's own rule: this mode puts the arena where the U55 system has flash.
        (("ethos-u55-128", None, "Dedicated_Sram"), r"arena_mem_area=OffChipFlash \(must be Sram or Dram\)"),
    ],
)
def test_refuses_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ModelError, match=said) as refusal:
        Target.parse(*arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "core_clock=1",
        "[System_Config.A]\n[System_Config.A]\n",
        "[System_Config.Other]\n",
        "\udcff",
        "[System_Config.Ethos_U55_High_End_Embedded]\naxi0_port=Moon\n[Memory_Mode.Shared_Sram]\n",
        "[System_Config.Ethos_U55_High_End_Embedded]\ncore_clock=fast\n[Memory_Mode.Shared_Sram]\n",
    ],
    ids=["no section", "twice", "not this section", "not text", "unknown memory", "not a number"],
)
def test_refuses_a_broken_ini_in_one_line(tmp_path: Path, text: str) -> None:
    config = tmp_path / "board.ini"
    config.write_text(text, errors="surrogateescape")
    with pytest.raises(ModelError, match=re.escape(str(config))) as refusal:
        Target.parse("ethos-u55-128", vela_config=str(config))
    assert "\n" not in str(refusal.value)


def test_refuses_a_path_with_spaces_as_executorch_would_split_it(tmp_path: Path) -> None:
    config = tmp_path / "my board.ini"
    config.write_text(Target.parse("ethos-u55-128").config_text())
    with pytest.raises(ModelError, match="spaces"):
        Target.parse("ethos-u55-128", vela_config=str(config))


def test_identity_goes_by_the_content_of_the_ini(tmp_path: Path) -> None:
    bundled = Target.parse("ethos-u55-128")
    config = tmp_path / "board.ini"
    config.write_text(bundled.config_text())
    same = Target.parse("ethos-u55-128", vela_config=str(config))
    assert same.identity() == bundled.identity()
    config.write_text(bundled.config_text() + "; a note\n")
    assert same.identity() != bundled.identity()
    assert same.identity().keys() == bundled.identity().keys()


def test_a_relative_ini_stays_usable_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = Target.parse("ethos-u55-128")
    for name in ("boards/mine.ini", "Arm/vela.ini"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(bundled.config_text() + f"; {name}\n")
    monkeypatch.chdir(tmp_path)
    mine = Target.parse("ethos-u55-128", vela_config="boards/mine.ini")
    shadow = Target.parse("ethos-u55-128", vela_config="./Arm/vela.ini")
    monkeypatch.chdir("/")
    assert "; boards/mine.ini" in mine.config_text()
    assert "; Arm/vela.ini" in shadow.config_text()
    # Vela never looks for this name in the current folder.
    assert Target.parse("ethos-u55-128", vela_config="Arm/vela.ini") == bundled


def test_label_tells_what_differs_from_the_default(tmp_path: Path) -> None:
    assert Target.parse("ethos-u85-256").label == "ethos-u85-256"
    config = tmp_path / "board.ini"
    config.write_text(Target.parse("ethos-u85-256").config_text())
    other = Target.parse("ethos-u85-256", "Ethos_U85_SYS_DRAM_Low", "Dedicated_Sram", str(config))
    assert other.label == "ethos-u85-256, Ethos_U85_SYS_DRAM_Low, Dedicated_Sram, board.ini"
