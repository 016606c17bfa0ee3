"""What makes two results the same result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

from results.records.record import Record, canonical_json


@dataclass(frozen=True)
class Target(Record):
    """An NPU and the facts of the board around it.

    Attributes:
        accelerator: such as `ethos-u55-128`.
        vela_config_sha256: hash of the contents of the Vela .ini that was in force, not of its path.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    vela_config_sha256: str


@dataclass(frozen=True)
class Versions(Record):
    """Versions of the packages that decide what a recipe compiles to and costs."""

    torch: str
    torchao: str
    executorch: str
    ethos_u_vela: str
    tosa_tools: str


@dataclass(frozen=True)
class Structure(Record):
    """What a lowered model has in common with others.

    Attributes:
        operators: equal for models of the same operators and edges, whatever their weights and sizes.
        shapes: equal for models that differ in weights only.
    """

    operators: str
    shapes: str


@dataclass(frozen=True)
class Identity(Record):
    """What makes two results the same result.

    Attributes:
        model_hash: hash of the model's content: structure, weights and shapes.
        model_name: what people call the model; not part of the key.
        quantisation: how the model was quantised, in one string (`int8 per-channel, calibrated on ...`).
        objective: what `Figures.cycles` counts, in one string.
        io_layout: `nhwc` if the caller's inputs of rank 4 lie in memory so, else `nchw`.
        structure: of the lowered model; None where it was not lowered. It follows from the rest and is not part of the
            key.
    """

    model_hash: str
    model_name: str
    target: Target
    quantisation: str
    versions: Versions
    search_space_version: str
    objective: str
    io_layout: str = "nchw"
    structure: Structure | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) over every field but `model_name` and `structure`."""
        content = {name: getattr(self, name) for name in _IN_KEY[Identity]}
        # Not asdict: it copies all that it passes, and every lookup computes keys.
        content |= {"target": vars(self.target), "versions": vars(self.versions)}
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    def differences(self, other: Identity) -> tuple[tuple[str, str, str], ...]:
        """Every field of the key in which two identities differ, with its value here and there; none, and they are the
        same."""
        return tuple(_differing(self, other))


def _differing(one: Any, other: Any) -> Iterator[tuple[str, str, str]]:
    for name in _IN_KEY[type(one)]:
        here, there = getattr(one, name), getattr(other, name)
        if here == there:
            continue
        if is_dataclass(here):
            yield from _differing(here, there)
        else:
            yield name, str(here), str(there)


NOT_IN_KEY = ("model_name", "structure")


_IN_KEY = {
    record: tuple(each.name for each in fields(record) if each.name not in NOT_IN_KEY)
    for record in (Identity, Target, Versions)
}
