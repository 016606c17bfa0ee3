"""Rows of measured cycles, each with the command stream that ran and the memories that it ran with.

The folder's README.md describes the tables. Rows are priced for what the simulator's timing adapters were set to, not
for what Vela was told, where the two differ: sections `TA_*` of boards.ini.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workers.command_stream import Decoded, decode
from workers.stream_cost import StreamCost, stream_cycles
from workers.stream_cost.fitted import Fitted
from workers.target import Target

#: Totals of the simulator advance in steps; its counter of active cycles does not.
STEP_CYCLES = 1000
_IDLE_CYCLES = 68
_STEPPED = 100  # a total that is less above a whole step advances in steps

_ADAPTERS = {
    "Ethos_U85_SYS_DRAM_Low": "TA_U85_Low",
    "Ethos_U85_SYS_DRAM_Mid_1024": "TA_U85_1024",
    "Ethos_U85_SYS_DRAM_High_2048": "TA_U85_2048",
}
_SWEPT = {
    "ethos-u55-256": ("Ethos_U55_High_End_Embedded", "OffChipFlash"),
    "ethos-u65-512": ("Ethos_U65_High_End", "Dram"),
    "ethos-u85-256": ("TA_U85_Low", "Dram"),
    "ethos-u85-512": ("Ethos_U85_SYS_DRAM_Mid_512", "Dram"),
}
_SWEPT_SRAM_WORDS = 4000  # of 4,000 cycles: what Sram_clock_scale = 1 stands for


@dataclass(frozen=True)
class MeasuredRow:
    """What was measured of a command stream, or of some operations of it.

    Attributes:
        group: rows of one kind, whose errors are averaged.
        model: what is left out together: the network, or the operator.
        name: which row it is.
        family: `ethos-u55`, `ethos-u65` or `ethos-u85`.
        stream: name of the stream in the folder.
        target: what to price it for.
        cycles: measured, on the NPU.
        operations: (first, last) of those that were measured; None for all.
    """

    group: str
    model: str
    name: str
    family: str
    stream: str
    target: Target
    cycles: float
    operations: tuple[int, int] | None = None

    @property
    def launch(self) -> bool:
        """Whether it was measured between two operations of a program, where counters advance in steps."""
        return self.operations is not None


@dataclass
class Measurements:
    """A folder of measurements. scratch: a folder for configurations of memories that were swept."""

    folder: Path
    scratch: Path

    def rows(self) -> list[MeasuredRow]:
        """All rows that have a command stream."""
        return [*self._totals(), *self._operators(), *self._sweeps(), *self._launches()]

    def predicted(self, rows: Sequence[MeasuredRow], fitted: Fitted) -> list[int]:
        """Predicted cycles of each row."""
        costs: dict[tuple[str, Target], StreamCost] = {}
        found = []
        for row in rows:
            key = row.stream, row.target
            if key not in costs:
                costs[key] = stream_cycles(_decoded(self.folder, row.stream), row.target, fitted)
            cost = costs[key]
            if row.operations is None:
                found.append(cost.total_cycles)
            else:
                first, last = row.operations
                found.append(sum(one.cycles for one in cost.operations[first : last + 1]))
        return found

    def _table(self, name: str) -> Iterator[dict[str, str]]:
        path = self.folder / name
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                yield from (row for row in csv.DictReader(file) if row["stream"])

    def _target(self, accelerator: str, system_config: str, memory_mode: str) -> Target:
        config = str(self.folder / "boards.ini")
        return Target.parse(accelerator, _ADAPTERS.get(system_config, system_config), memory_mode, config)

    def _totals(self) -> Iterator[MeasuredRow]:
        for name in ("totals.csv", "u55_transposes.csv"):
            for row in self._table(name):
                if row.get("row", "total") != "total":
                    continue
                accelerator = row["accelerator"]
                family = accelerator.rpartition("-")[0]
                group = f"whole models, {family}" if name == "totals.csv" else "transposes made of pools"
                target = self._target(accelerator, row["system_config"], row["memory_mode"])
                label = f"{row['model']} {accelerator}"
                yield MeasuredRow(group, row["model"], label, family, row["stream"], target, _counted(row))

    def _operators(self) -> Iterator[MeasuredRow]:
        for row in self._table("micro.csv"):
            condition, accelerator = row["condition"], row["accelerator"]
            if condition == "syscfgMid":
                continue  # another stream name for what `base` has
            system = row["system_config"]
            if condition == "relaxed":
                system = f"TA_U85_relaxed_{accelerator.rpartition('-')[2]}"
            condition = condition if condition in ("base", "relaxed") else "base"
            whole = row["op"] == "whole model"
            operator = "whole models, memory modes" if whole else f"{row['op']} {row['kernel']} {condition}"
            model = row["model"] if whole or row["experiment"] != "h3" else f"{row['op']} {row['kernel']}"
            label = f"{row['model']} {accelerator} {row['memory_mode']} {condition}"
            target = self._target(accelerator, system, row["memory_mode"])
            family = accelerator.rpartition("-")[0]
            yield MeasuredRow(operator, model, label, family, row["stream"], target, _counted(row))

    def _sweeps(self) -> Iterator[MeasuredRow]:
        for row in self._table("ta_sweeps.csv"):
            accelerator = row["accelerator"]
            swept = {name: row[name] for name in ("EXT_RLATENCY", "EXT_WLATENCY", "SRAM_BWCAP") if row[name]}
            label = " ".join([row["model"], accelerator, *(f"{name}={value}" for name, value in swept.items())])
            family = accelerator.rpartition("-")[0]
            yield MeasuredRow(
                f"sweeps, {accelerator}", row["model"], label, family, row["stream"], self._swept(row, swept),
                _counted(row),
            )  # fmt: skip

    def _swept(self, row: dict[str, str], swept: dict[str, str]) -> Target:
        """A configuration with a setting of the timing adapter changed."""
        accelerator = row["accelerator"]
        base, memory = _SWEPT[accelerator]
        text = (self.folder / "boards.ini").read_text(encoding="utf-8")
        found = re.search(rf"\[System_Config\.{base}\]\n(.*?)(?=\n\[|\Z)", text, re.DOTALL)
        if found is None:
            raise ValueError(f"{self.folder}/boards.ini: no section System_Config.{base}")
        changed = {
            f"{memory}_read_latency": swept.get("EXT_RLATENCY"),
            f"{memory}_write_latency": swept.get("EXT_WLATENCY"),
        }
        if "SRAM_BWCAP" in swept:
            words = int(swept["SRAM_BWCAP"]) or _SWEPT_SRAM_WORDS  # 0: no cap but the port
            changed["Sram_clock_scale"] = str(min(1.0, words / _SWEPT_SRAM_WORDS))
        section = found[1]
        for key, value in changed.items():
            if value is not None:
                section = re.sub(rf"^{key} = .*$", f"{key} = {value}", section, flags=re.MULTILINE)
        path = self.scratch / f"{'_'.join((accelerator, *swept.values()))}.ini"
        path.write_text(f"{text}\n[System_Config.Swept]\n{section}\n", encoding="utf-8")
        return Target.parse(accelerator, "Swept", row["memory_mode"], str(path))

    def _launches(self) -> Iterator[MeasuredRow]:
        begun: dict[tuple[str, str], int] = {}
        for row in self._table("per_launch.csv"):
            if not row["operations"]:
                continue
            run = row["model"], row["binding"]
            last = int(row["operations"].split("-")[1])
            first, begun[run] = begun.get(run, 0), last + 1
            if row["has_tail"] == "1":
                continue
            accelerator = row["accelerator"]
            target = self._target(accelerator, row["price_system_config"], row["memory_mode"])
            label = f"{row['model']} {row['binding']} {row['unit']}: {row['shapes']}"
            yield MeasuredRow(
                f"launches, {row['model']} {row['binding']}", row["model"], label, accelerator.rpartition("-")[0],
                row["stream"], target, float(row["cycles_total"]), (first, last),
            )  # fmt: skip


def _counted(row: dict[str, str]) -> float:
    """Active cycles; of a total alone, the middle of its step."""
    active, total = row.get("fvp_active"), float(row["fvp_total"])
    if active:
        return float(active)
    return total - (_IDLE_CYCLES + STEP_CYCLES / 2 if total % STEP_CYCLES < _STEPPED else 0)


@cache
def _decoded(folder: Path, stream: str) -> Decoded:
    return decode(gzip.decompress((folder / "streams" / f"{stream}.cs.gz").read_bytes()))
