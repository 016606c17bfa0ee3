"""Boards that people have, as TOML files: NPU, memories, clock and limits.

A preset becomes a Vela configuration file. Its name is in no result: two presets of the same facts are the same board.
docs/boards.md describes the files.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.cache.atomic_write import write_whole
from workers.errors import ModelError, one_line, printable

_SHIPPED = Path(__file__).parent
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "description": str, "npu": str, "memory_mode": str, "sources": list, "assumed": str, "arena_cache_size": int,
    "sram_bytes": int, "flash_bytes": int, "system": dict,
}  # fmt: skip
_NEEDED = ("description", "npu", "memory_mode", "sources", "system")
#: Memory modes as Vela's Arm/vela.ini has them: where constants, arena and cache are.
_MODES = {
    "Sram_Only": ("Axi0", "Axi0", "Axi0"),
    "Shared_Sram": ("Axi1", "Axi0", "Axi0"),
    "Dedicated_Sram": ("Axi1", "Axi1", "Axi0"),
}


@dataclass(frozen=True)
class BoardPreset:
    """A board.

    Attributes:
        description: in a line, for people.
        npu: such as `ethos-u55-128`.
        memory_mode: the usual one; all of Vela's can be had.
        sram_bytes, flash_bytes: what the board has; None if it is not said.
        sources: where the facts were read.
        assumed: what is not published and was taken from elsewhere; empty if nothing was.
        system: Vela's system configuration, `core_clock` (Hz) and the memories; `cpu_clock` (Hz) if the CPU's is
            another, which velatune alone reads.
        arena_cache_size: bytes of SRAM for `Dedicated_Sram`; None for Vela's default.
    """

    description: str
    npu: str
    memory_mode: str
    sources: tuple[str, ...]
    system: Mapping[str, str | int | float]
    sram_bytes: int | None = None
    flash_bytes: int | None = None
    assumed: str = ""
    arena_cache_size: int | None = None

    @property
    def clock_hz(self) -> float:
        """Of the NPU."""
        return float(self.system["core_clock"])

    @property
    def system_config(self) -> str:
        """Name of the system configuration in `vela_config`: the width of the ports follows from it."""
        return f"Ethos_{self.npu.split('-')[1].upper()}_board"

    def vela_config(self) -> str:
        """The text of a Vela configuration file; equal for equal facts."""
        facts = [f"{key} = {self.system[key]}" for key in sorted(self.system)]
        lines = [f"[System_Config.{self.system_config}]", *facts]
        for mode, areas in _MODES.items():
            lines += ["", f"[Memory_Mode.{mode}]"]
            lines += [
                f"{name}_mem_area = {area}" for name, area in zip(("const", "arena", "cache"), areas, strict=True)
            ]
            if mode == "Dedicated_Sram" and self.arena_cache_size is not None:
                lines.append(f"arena_cache_size = {self.arena_cache_size}")
        return "\n".join(lines) + "\n"

    def written(self, folder: Path) -> Path:
        """The configuration file in a folder, by the hash of its content.

        Raises:
            ModelError: it cannot be written.
        """
        text = self.vela_config()
        path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.ini"
        if not path.exists():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write_whole(path, text.encode())
            except OSError as error:
                raise ModelError(f"{path}: cannot be written ({error.strerror})") from error
        return path


def preset_names() -> list[str]:
    """Those that ship."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def read_preset(named: str) -> BoardPreset:
    """A preset that ships, by its name, or a TOML file of the user's own.

    Raises:
        ModelError: there is no such preset, or the file is none.
    """
    path = Path(named) if named.endswith(".toml") else _SHIPPED / f"{named}.toml"
    if not named.endswith(".toml") and named not in preset_names():
        nearest = difflib.get_close_matches(named, preset_names(), n=3, cutoff=0.4) or preset_names()
        raise ModelError(
            f"--board {printable(named[:60])}: unknown; did you mean {', '.join(nearest)}, or a .toml file?"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"--board {path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"--board {path}: is no TOML file ({one_line(error)})") from error
    _check(path, table)
    return BoardPreset(**{**table, "sources": tuple(map(str, table["sources"]))})


def _check(path: Path, table: Mapping[str, Any]) -> None:
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise ModelError(f"--board {path}: has no '{missing[0]}'")
    for name, value in table.items():
        if name not in _FIELDS:
            raise ModelError(f"--board {path}: '{printable(name[:40])}' is unknown; it has {', '.join(_FIELDS)}")
        if not isinstance(value, _FIELDS[name]) or isinstance(value, bool):
            raise ModelError(f"--board {path}: {name} must not be {printable(repr(value)[:40])}")
        if isinstance(value, int) and value <= 0:
            raise ModelError(f"--board {path}: {name} must be more than 0")
    if table["memory_mode"] not in _MODES:
        raise ModelError(f"--board {path}: memory_mode must be one of {', '.join(_MODES)}")
    if not re.fullmatch(r"ethos-u\d+-\d+", table["npu"]):
        raise ModelError(f"--board {path}: npu must be such as ethos-u55-128")
    for key, value in table["system"].items():
        plain = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not re.fullmatch(r"\w+", key) or not (plain or (isinstance(value, str) and re.fullmatch(r"\w+", value))):
            raise ModelError(f"--board {path}: system.{printable(key[:40])} must be a number or the name of a memory")
    for name, whose in (("core_clock", "NPU"), ("cpu_clock", "CPU")):
        clock = table["system"].get(name, table["system"].get("core_clock"))
        if not isinstance(clock, int | float) or not 0 < clock < 1e11:
            raise ModelError(f"--board {path}: system.{name} must be the clock of the {whose} in Hz")
