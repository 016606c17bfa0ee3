"""What is known for a model on a target. Never tunes, never guesses."""

from __future__ import annotations

from dataclasses import dataclass, fields

from results.records import Best, Identity
from results.store import Store

#: Fields of an identity that are no versions; beside model and target, which the store is asked for.
_SAME = ("quantisation", "objective", "io_layout")


@dataclass(frozen=True)
class Hit:
    """A best for exactly this identity."""

    best: Best


@dataclass(frozen=True)
class Stale:
    """A best for the same model and target, found under another toolchain or search space.

    Its recipe is worth a try; its figures and its verification say nothing about the present toolchain.

    Attributes:
        differences: what differs: name, then the value it was found under, then the value asked for.
    """

    best: Best
    differences: tuple[tuple[str, str, str], ...]

    @property
    def reason(self) -> str:
        """`found with ethos_u_vela 5.1.0 (now 5.2.0), ...`"""
        return "found with " + ", ".join(f"{name} {then} (now {now})" for name, then, now in self.differences)


@dataclass(frozen=True)
class Miss:
    """Nothing is known that may be used for this identity."""

    identity: Identity


def lookup(store: Store, identity: Identity) -> Hit | Stale | Miss:
    """The best that `store` knows for an identity.

    Model content, target, board facts, quantisation, objective and layout of the inputs must be the same in any
    case; with other toolchain or search-space versions the answer is Stale. Of several stale ones the one that
    differs in the fewest versions is taken, then the newest.

    Raises:
        StoreError: the store cannot be read.
    """
    exact = store.best(identity.key)
    if exact is not None:
        return Hit(exact)
    stale = [
        Stale(best, _differences(best.identity, identity))
        for best in store.bests_for(identity.model_hash, identity.target)
        if all(getattr(best.identity, name) == getattr(identity, name) for name in _SAME)
    ]
    return min(stale, key=lambda found: len(found.differences), default=Miss(identity))


def _differences(found: Identity, asked: Identity) -> tuple[tuple[str, str, str], ...]:
    pairs = [
        (field.name, getattr(found.versions, field.name), getattr(asked.versions, field.name))
        for field in fields(found.versions)
    ]
    pairs.append(("search_space_version", found.search_space_version, asked.search_space_version))
    return tuple(pair for pair in pairs if pair[1] != pair[2])
