"""The user's store, and a system store under it: shipped with a product, or a team's. That one is only read.

with Tiers.open(None, "postgresql://results.example.org/velatune") as stores:
    answer = lookup(stores, identity)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from results.errors import StoreError
from results.records.best import Best
from results.records.identity import Facts, Identity, Structure, Target
from results.store.database.commit_marks import Changes
from results.store.lookups.lookup_query import Offered
from results.store.lookups.lookups import Lookups
from results.store.store import Store

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


class Tiers:
    """Answers as the `lookups` of a store do, from both stores.

    What the user's own store has for an identity comes before what the system store has for it. A system store that
    cannot be opened or read is left out with a warning. So no lookup ends because of a team's database.

    Attributes:
        user: the store that is written to.
    """

    def __init__(self, user: Store, system: Store | None = None) -> None:
        """Look in one store or two; `close` closes both.

        Args:
            user: the store that is written to.
            system: the store under it, which is only read; None for none.
        """
        self.user = user
        self._system = system

    @classmethod
    def open(cls, user: str | Path | None, system: str | Path | None = None) -> Self:
        """Open the user's store (see `Store.open`) and, if one is named, the system store.

        Args:
            user: as `Store.open` takes it; None for the user's own store.
            system: the same of the system store; None for none.

        Returns:
            Both stores, or the user's alone if the system store cannot be opened.

        Raises:
            StoreError: the user's store cannot be used.
        """
        opened = Store.open(user)
        if system is None:
            return cls(opened)
        try:
            return cls(opened, Store.open(system, read_only=True))
        except StoreError as error:
            log.warning("the system store is left out: %s", error)
            return cls(opened)

    def close(self) -> None:
        """Close both."""
        self.user.close()
        if self._system is not None:
            self._system.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def offered(self, identity: Identity) -> Offered:
        """As `Lookups.offered`, of both, and the user's where they are as good; nothing that turned out wrong here.

        The system store is not asked, and has no mark, where the user's has the very same identity.
        """
        own = self.user.lookups.offered(identity)
        if own.close is not None and not own.close.identity.differences(identity):
            return own
        below = self._below(lambda system: system.offered(identity))
        if below is None:
            return own
        if below.close is not None and self.user.evaluations.refute(below.close):
            below = replace(below, close=None, near=None if own.close else self._near(identity))
        close = _first(own.close, below.close, lambda best: len(best.identity.differences(identity)))
        near = (
            None if close else _first(own.near, below.near, lambda best: best.identity.structure != identity.structure)
        )
        found = Offered(close, None if close else near, own.simulated, own.marks + below.marks)
        if found.best is None or found.best is own.best:
            return found
        return replace(found, simulated=tuple(self.user.simulations.of(found.best.identity.key)))

    def _near(self, identity: Identity) -> Best | None:
        """What the system store has of another model."""
        if identity.structure is None:
            return None
        structure, objective, io_layout = identity.structure, identity.objective, identity.io_layout
        found = self._below(
            lambda system: system.similar(structure, identity.target, objective=objective, io_layout=io_layout, limit=1)
        )
        return next(iter(found or ()), None)

    def similar(
        self, structure: Structure, target: Target | None = None, *, objective: Facts | None = None,
        io_layout: str | None = None, limit: int = 16,
    ) -> list[Best]:  # fmt: skip
        """As `Lookups.similar`, the user's first; `limit` holds for each store.

        Args:
            structure: of the lowered model that recipes are wanted for.
            target: that they must be for; None for any.
            objective: that they must be for; None for any.
            io_layout: that they must be for; None for any.
            limit: the most from each store.

        Returns:
            Bests of the user's store, then those of the system store.
        """

        def of(lookups: Lookups) -> list[Best]:
            return lookups.similar(structure, target, objective=objective, io_layout=io_layout, limit=limit)

        return of(self.user.lookups) + (self._below(of) or [])

    def changes(self) -> list[Changes]:
        """Of each store that is asked."""
        return [store.database.changes for store in (self.user, self._system) if store is not None]

    def knows_others(self, identity: Identity) -> bool:
        """As `Lookups.knows_others`, of either store."""
        own = self.user.lookups.knows_others(identity)
        return own or bool(self._below(lambda system: system.knows_others(identity)))

    def _below(self, ask: Callable[[Lookups], _Answer]) -> _Answer | None:
        if self._system is None:
            return None
        try:
            return ask(self._system.lookups)
        except StoreError as error:
            log.warning("the system store is left out: %s", error)
            self._system.close()
            self._system = None
            return None


def _first(own: Best | None, below: Best | None, distance: Callable[[Best], int]) -> Best | None:
    """The nearer one; the user's of two that are as near."""
    return min((best for best in (own, below) if best is not None), key=distance, default=None)
