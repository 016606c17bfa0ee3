"""The board's memories as Vela's cost model sees them.

They say how a region of a command stream is read and written.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from workers.errors import ModelError
from workers.ethos_u.target import Target

#: Regions as Vela numbers them: constants, the arena, and fast memory for what is staged.
CONSTANTS, ARENA, STAGING = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Memory:
    """A memory behind the NPU's ports; equal only to itself, of which there is one for each target.

    Attributes:
        name: as in the configuration, `Sram`; two regions in one memory have the same name.
        bytes_per_cycle: bandwidth of all its ports together.
        read_latency, write_latency: cycles until the first beat.
        burst_bytes: longest burst.
        ports: how many of the NPU's ports lead to it.
        max_reads, max_writes: transactions under way at a time, per port.
    """

    name: str
    bytes_per_cycle: float
    read_latency: int
    write_latency: int
    burst_bytes: int
    ports: int
    max_reads: int
    max_writes: int


#: Where look-up tables are, inside the NPU. As `ArchEthosU55::ApplyConfig` and `ArchEthosU85::ApplyConfig` have it.
TABLES = Memory("tables", 1.0, 0, 0, 1, 1, 1000, 1000)


@lru_cache
def memories(target: Target) -> Mapping[int, Memory]:
    """Region -> memory.

    Read off the configuration as Vela's compiled core does (`regor_set_system_config` and `Architecture::ParseMemory`).
    Defaults are from there too, and not from Vela's Python.

    Raises:
        ModelError: the configuration cannot be read or names no memory for a port.
    """
    parser = configparser.ConfigParser()
    parser.read_string(target.config_text())
    port_bytes = 8 if target.accelerator.startswith("ethos-u55") else 16
    areas = {CONSTANTS: "const_mem_area", ARENA: "arena_mem_area", STAGING: "cache_mem_area"}
    try:
        system = _section(parser, f"System_Config.{target.system_config}")
        mode = _section(parser, f"Memory_Mode.{target.memory_mode}")
        names = {region: system[f"{mode[area].lower()}_port"] for region, area in areas.items()}
        found = {name: _memory(name, system, port_bytes) for name in set(names.values())}
    except (configparser.Error, KeyError, ValueError) as error:
        raise ModelError(f"{target.label}: {target.vela_config} does not describe its memories ({error})") from error
    return {region: found[name] for region, name in names.items()}


def _memory(name: str, system: Mapping[str, str], port_bytes: int) -> Memory:
    def number(key: str, default: float) -> float:
        return float(system.get(f"{name}_{key}".lower(), default))

    ports = max(1, int(number("ports_used", 1)))
    return Memory(
        name=name,
        bytes_per_cycle=max(0.0001, number("clock_scale", 1) * port_bytes * ports),
        read_latency=max(0, int(number("read_latency", 1))),
        write_latency=max(0, int(number("write_latency", 1))),
        burst_bytes=max(1, int(number("burst_length", 64))),
        ports=ports,
        max_reads=max(1, int(number("max_reads", 1))),
        max_writes=max(1, int(number("max_writes", 1))),
    )


def _section(parser: configparser.ConfigParser, name: str) -> Mapping[str, str]:
    """A section on top of the one that it inherits from. Keys are in lower case."""
    own = dict(parser[name])
    parent = own.pop("inherit", None)
    return {**_section(parser, parent), **own} if parent else own
