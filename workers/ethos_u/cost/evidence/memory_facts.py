"""The memory that a program ran with, which is not always the one that it was compiled for.

Arm's simulators and FPGA images put a timing adapter before each memory. Its latencies and bandwidth are settings of
the image (timing_adapter.csv), whatever system configuration Vela was given. A prediction is compared for what the
adapter was set to.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.errors import ModelError, one_line
from workers.ethos_u.cost.evidence.csv_rows import CsvRow, csv_rows
from workers.ethos_u.target import BUNDLED_CONFIG, Target

_PORTS = ("SRAM", "EXT")
_COLUMNS = (
    "accelerators", "port", "word_bytes", "RLATENCY", "WLATENCY", "PULSE_ON", "PULSE_OFF", "BWCAP_words",
    "vela_system_config", "vela_memory", "vela_bytes_per_cycle",
)  # fmt: skip
#: Settings that rows may change. The register of MAXR and MAXW has six bits, and 0 means no limit.
_SETTINGS = ("RLATENCY", "WLATENCY", "MAXR", "MAXW", "BWCAP")
_MOST_OUTSTANDING = 64


@dataclass(frozen=True)
class _Adapter:
    """One row of timing_adapter.csv: the adapter of a port, for accelerators of some sizes."""

    row: CsvRow
    port: str
    system_config: str
    memory: str

    def serves(self, accelerator: str) -> bool:
        """`accelerators` is a family, or a family and sizes: `ethos-u85-128/256`."""
        family, _, size = accelerator.rpartition("-")
        named = self.row.name("accelerators")
        of, _, sizes = named.rpartition("-")
        return named == family or (of == family and size in sizes.split("/"))


class MemoryFacts:
    """The targets of a folder: its boards.ini, or Vela's own configuration where it has none."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        """Read the boards and timing adapters of a folder.

        Args:
            folder: the evidence folder.
            scratch: an empty folder for configurations that are made here; it must outlive the targets.

        Raises:
            ModelError: its boards.ini is no Vela configuration, or its timing_adapter.csv is damaged.
        """
        self._scratch = scratch
        own = folder / "boards.ini"
        self._config = str(own.absolute()) if own.is_file() else BUNDLED_CONFIG
        self._sections = configparser.ConfigParser(interpolation=None)
        self._sections.optionxform = str  # type: ignore[assignment, method-assign]
        try:
            self._sections.read_string(Target("", "", "", self._config).config_text())
        except configparser.Error as error:
            raise ModelError(f"{self._config}: not a Vela configuration ({one_line(error)})") from error
        self._adapters = [
            _Adapter(row, row.name("port"), row.name("vela_system_config"), row.name("vela_memory"))
            for row in csv_rows(folder / "timing_adapter.csv", _COLUMNS)
        ]
        self._made: dict[tuple[str, str], Target] = {}

    def target(
        self, place: str, accelerator: str, system_config: str, memory_mode: str, settings: Mapping[str, str]
    ) -> Target:
        """The target that a program ran on.

        Args:
            place: of the row, for messages.
            accelerator: in lower case, such as `ethos-u55-128`.
            system_config: what it was compiled for; empty: what the adapter of the accelerator stands for.
            memory_mode: name of a section of the configuration.
            settings: of the adapter where they are not the image's own, such as `{"EXT_RLATENCY": "500"}`.

        Returns:
            The target; equal arguments give the same one.

        Raises:
            ModelError: the configuration has no such section, or a setting is unknown.
        """
        adapters = [adapter for adapter in self._adapters if adapter.serves(accelerator)]
        behind_adapter = not system_config or any(one.system_config == system_config for one in self._adapters)
        if not adapters or not behind_adapter:
            if settings or not system_config:
                raise ModelError(f"{place}: timing_adapter.csv has no adapter for {accelerator}")
            return self._plain(place, accelerator, system_config, memory_mode)
        key = f"{accelerator} {sorted(settings.items())}", memory_mode
        if key not in self._made:
            self._made[key] = self._behind(place, adapters, accelerator, memory_mode, settings)
        return self._made[key]

    def clock_hz(self, target: Target) -> float | None:
        """Of the NPU, as the configuration has it; None if it does not say."""
        try:
            return self._sections.getfloat(f"System_Config.{target.system_config}", "core_clock", fallback=None)
        except ValueError:
            return None

    def _plain(self, place: str, accelerator: str, system_config: str, memory_mode: str) -> Target:
        for section in (f"System_Config.{system_config}", f"Memory_Mode.{memory_mode}"):
            if not self._sections.has_section(section):
                raise ModelError(f"{place}: {Path(self._config).name} has no section {section}")
        return Target(accelerator, system_config, memory_mode, self._config)

    def _behind(
        self, place: str, adapters: list[_Adapter], accelerator: str, memory_mode: str, settings: Mapping[str, str]
    ) -> Target:
        base = self._plain(place, accelerator, adapters[0].system_config, memory_mode)
        facts = dict(self._sections[f"System_Config.{base.system_config}"])
        changed = _by_port(place, settings)
        for adapter in adapters:
            facts |= _facts(adapter, facts, changed.pop(adapter.port, {}), place)
        if changed:
            raise ModelError(f"{place}: timing_adapter.csv has no port {next(iter(changed))} of {accelerator}")
        name = f"{base.system_config}_as_run_{len(self._made)}"
        section = "".join(f"{key} = {value}\n" for key, value in facts.items())
        path = self._scratch / f"{name}.ini"
        path.write_text(f"{base.config_text()}\n[System_Config.{name}]\n{section}", encoding="utf-8")
        self._sections[f"System_Config.{name}"] = facts
        return Target(accelerator, name, memory_mode, str(path))


def _by_port(place: str, settings: Mapping[str, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, text in settings.items():
        port, _, setting = name.partition("_")
        if port not in _PORTS or setting not in _SETTINGS or not re.fullmatch(r"\d{1,9}", text):
            raise ModelError(f"{place}: {name[:40]}={text[:40]} is no setting of a timing adapter")
        found.setdefault(port, {})[setting] = float(text)
    return found


def _facts(adapter: _Adapter, facts: Mapping[str, str], settings: Mapping[str, float], place: str) -> dict[str, str]:
    """What Vela's configuration would say of the memory behind an adapter."""
    memory = adapter.memory
    adapted = {
        f"{memory}_read_latency": settings.get("RLATENCY", _given(adapter, "RLATENCY")),
        f"{memory}_write_latency": settings.get("WLATENCY", _given(adapter, "WLATENCY")),
    }
    for setting, key in (("MAXR", "max_reads"), ("MAXW", "max_writes")):
        if setting in settings:
            adapted[f"{memory}_{key}"] = settings[setting] % _MOST_OUTSTANDING or _MOST_OUTSTANDING
    if settings.get("BWCAP") == 0:
        adapted[f"{memory}_clock_scale"] = 1.0
    elif adapter.port == "EXT" or "BWCAP" in settings:
        # Not the image's own cap of SRAM: it is one port's full width, and the NPU has several ports there.
        adapted |= _capped(adapter, settings.get("BWCAP", _given(adapter, "BWCAP_words")), place)
    return {**facts, **{key: f"{value:g}" for key, value in adapted.items()}}


def _capped(adapter: _Adapter, words: float, place: str) -> dict[str, float]:
    """A bandwidth below what Vela's configuration says, as that of one port; nothing if it is not below."""
    word_bytes = _given(adapter, "word_bytes")
    pulse = _given(adapter, "PULSE_ON") + _given(adapter, "PULSE_OFF")
    if not words or not word_bytes or not pulse:
        raise ModelError(f"{place}: the bandwidth of the {adapter.port} adapter is 0 ({adapter.row.place})")
    bytes_per_cycle = words * word_bytes / pulse
    if bytes_per_cycle >= _given(adapter, "vela_bytes_per_cycle"):
        return {}
    return {f"{adapter.memory}_ports_used": 1, f"{adapter.memory}_clock_scale": bytes_per_cycle / word_bytes}


def _given(adapter: _Adapter, column: str) -> float:
    number = adapter.row.number(column)
    if number is None:
        raise ModelError(f"{adapter.row.place}: the column '{column}' is empty")
    return number
