"""The identity of a result: model, target, objective and versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from results.records.record import Record, canonical_json

Facts = Mapping[str, str]
"""Fields of an identity that its backend names: equal if they have the same names and values."""


@dataclass(frozen=True)
class Target(Record):
    """A device and the facts of the board around it.

    Attributes:
        family: of devices that one backend is for, such as `ethos-u`.
        name: as people name the device, such as `ethos-u55-128`.
        facts: all else that a program for it depends on, by content and not by path.
    """

    family: str
    name: str
    facts: dict[str, str]

    def __post_init__(self) -> None:
        _sort(self, "facts")

    def __hash__(self) -> int:
        return hash((self.family, self.name, canonical_json(self.facts)))

    def __str__(self) -> str:
        return ", ".join((self.name, *self.facts.values()))


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
        quantisation: how the model was quantised.
        versions: of the packages that decide what a recipe compiles to and costs, by distribution. Those that passes
            and choices of others come from are among them.
        objective: what `Figures.cycles` counts, and the limits of what may be offered.
        io_layout: `nhwc` if the caller's inputs of rank 4 lie in memory so, else `nchw`.
        structure: of the lowered model; None where it was not lowered. It follows from the rest and is not part of the
            key.
    """

    model_hash: str
    model_name: str
    target: Target
    quantisation: dict[str, str]
    versions: dict[str, str]
    search_space_version: str
    objective: dict[str, str]
    io_layout: str = "nchw"
    structure: Structure | None = None

    def __post_init__(self) -> None:
        _sort(self, "quantisation", "versions", "objective")

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) over every field but `model_name` and `structure`."""
        content = {name: getattr(self, name) for name in _IN_KEY}
        # Not asdict: it copies all that it passes, and every lookup computes keys.
        content["target"] = vars(self.target)
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.key)

    def differences(self, other: Identity) -> tuple[tuple[str, str, str], ...]:
        """Every field of the key in which two identities differ, with its value here and there. Without any, they are
        the same. A field that only one of them has is empty in the other one."""
        return tuple(changed(dict(self._flat()), dict(other._flat())))

    def _flat(self) -> Iterator[tuple[str, str]]:
        yield "model_hash", self.model_hash
        yield "family", self.target.family
        yield "target", self.target.name
        yield from self.target.facts.items()
        yield from ((f"quantisation {name}", value) for name, value in self.quantisation.items())
        yield from self.versions.items()
        yield "search_space_version", self.search_space_version
        yield from ((f"objective {name}", value) for name, value in self.objective.items())
        yield "io_layout", self.io_layout


NOT_IN_KEY = ("model_name", "structure")
"""Fields of an identity that may differ between two that are the same."""

_IN_KEY = tuple(each.name for each in fields(Identity) if each.name not in NOT_IN_KEY)


def changed(here: Facts, there: Facts) -> Iterator[tuple[str, str, str]]:
    """The facts in which two differ.

    Args:
        here: facts by name.
        there: the same of the other one.

    Yields:
        Name, value here and value there. A value is empty where one of them lacks the fact.
    """
    for name in dict.fromkeys((*here, *there)):
        if here.get(name) != there.get(name):
            yield name, here.get(name, ""), there.get(name, "")


def _sort(record: Record, *names: str) -> None:
    """Facts in the order in which a store keeps them, so that they are shown alike wherever they come from."""
    for name in names:
        facts: dict[str, str] = getattr(record, name)
        object.__setattr__(record, name, {each: facts[each] for each in sorted(facts)})


def described(facts: Facts) -> str:
    """Facts in one line for people, in their order: `kind stream cycles, max sram bytes 65536`."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())
