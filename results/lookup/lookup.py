"""Lookups: what the stores know for a model on a target. They never tune and never guess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from results.records.best import Best
from results.records.identity import Identity
from results.store.lookups.lookup_query import Offered

Difference = tuple[str, str, str]
"""A field of the identity, its value in what was found, and the value asked for."""


class Known(Protocol):
    """What is asked: the `lookups` of a store, or several stores under one roof (`results.store.tiers.Tiers`)."""

    def offered(self, identity: Identity) -> Offered: ...


@dataclass(frozen=True)
class Hit:
    """A best for exactly this identity. `best.best.verified` is False of one that comes from a file and was not applied
    here yet."""

    best: Best


@dataclass(frozen=True)
class Stale:
    """A best for the same model and target, found under another toolchain or search space.

    Its recipe is worth a try; its figures and its verification say nothing about the present toolchain.
    """

    best: Best
    differences: tuple[Difference, ...]

    @property
    def reason(self) -> str:
        """`found with ethos-u-vela 5.1.0 (now 5.2.0), ...`"""
        return f"found with {_description(self.differences)}"


@dataclass(frozen=True)
class Nearest:
    """A best for another model of the same operators and edges, for the same target and objective.

    Its recipe is worth a try. Nothing else of it says anything about the requested model.

    Attributes:
        same_shapes: all sizes are equal as well, so that only weights differ, or how they were quantised.
    """

    best: Best
    differences: tuple[Difference, ...]
    same_shapes: bool

    @property
    def reason(self) -> str:
        """`found for NAME, of the same operators with other sizes; with ethos-u-vela 5.1.0 (now 5.2.0), ...`"""
        alike = "of the same operators and sizes" if self.same_shapes else "of the same operators with other sizes"
        others = [difference for difference in self.differences if difference[0] != "model_hash"]
        return f"found for {self.best.identity.model_name}, {alike}" + (
            f"; with {_description(others)}" if others else ""
        )


@dataclass(frozen=True)
class Miss:
    """Nothing is known that may be used for this identity."""

    identity: Identity


Answer = Hit | Stale | Nearest | Miss


def lookup(store: Known, identity: Identity) -> Answer:
    """The best that `store` knows for an identity; its figures come with it, its per-operator rows do not.

    A hit or a stale answer agrees in model content, target, board facts, quantisation, objective and input layout. A
    hit has the same versions as well. Of several stale ones the one that differs in the fewest versions is taken, then
    the newest. Where there is none, and the identity has a structure, a model of the same structure will do. One of the
    same sizes comes before others, then the newest.

    Args:
        store: what is asked; it is only read.
        identity: of the model on its target. Without a structure only bests of the model itself are found.

    Returns:
        The answer: a hit, a stale one, the nearest, or a miss.

    Raises:
        StoreError: the store cannot be read.
    """
    return answer_from(store.offered(identity), identity)


def answer_from(offered: Offered, identity: Identity) -> Answer:
    """The answer that lies in what was offered for an identity.

    Args:
        offered: what a store has for `identity`.
        identity: that was asked for.

    Returns:
        The answer; `Miss` if nothing was offered.
    """
    best = offered.best
    if best is None:
        return Miss(identity)
    differences = best.identity.differences(identity)
    if offered.near is not None:
        return Nearest(best, differences, same_shapes=best.identity.structure == identity.structure)
    return Stale(best, differences) if differences else Hit(best)


def _description(differences: Iterable[Difference]) -> str:
    return ", ".join(f"{name} {then} (now {now})" for name, then, now in differences)
