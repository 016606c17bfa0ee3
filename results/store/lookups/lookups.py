"""Lookups: which recipes are worth offering for a model and target."""

from __future__ import annotations

from results.records.best import Best
from results.records.identity import Facts, Identity, Structure, Target
from results.store.database.database import Database
from results.store.lookups.lookup_queries import any_offer, offers_of_model, offers_of_structure
from results.store.lookups.lookup_query import Offered, offered


class Lookups:
    """What a store offers: bests, and claims where it has none of its own.

    What is offered comes without command streams, operators and how it was checked. An offer that is not verified comes
    from a file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, identity: Identity) -> list[Best]:
        """Bests of the same model, target, quantisation, objective and layout of the inputs. Those that differ in the
        fewest versions come first, then the newest. Each is as in `offered`."""
        return list(offers_of_model(self._database.fast_reads, identity))

    def offered(self, identity: Identity) -> Offered:
        """What `results.lookup.lookup` answers from: one best, without command streams, operators and how it was
        checked.

        One that is not verified comes from a file: the store has no best of its own.
        """
        changes = self._database.changes
        return offered(self._database.fast_reads, identity, changes.mark() if changes.at_hand else None)

    def similar(
        self, structure: Structure, target: Target | None = None, *, objective: Facts | None = None,
        io_layout: str | None = None, limit: int = 16,
    ) -> list[Best]:  # fmt: skip
        """Bests of models of the same operators and edges.

        Those of the same shapes come first, of these the newest.

        Their weights, quantisation and toolchain are their own (see `Best.identity`): each holds a recipe to try, no
        more. A best of the very model that is asked for may be among them. Each is as in `offered`.

        Args:
            structure: of the lowered model that recipes are wanted for; `shapes` only orders the answer.
            target, objective, io_layout: what they must be for; None for any.
            limit: the most that are returned; where there are more, the latest identities are chosen from.

        Returns:
            At most `limit` bests; empty if no model has the structure.
        """
        return list(offers_of_structure(self._database.fast_reads, structure, target, objective, io_layout, limit))

    def knows_others(self, identity: Identity) -> bool:
        """Whether there is a best of any model for the target, objective and layout of an identity. Only then can
        `similar` have something for it."""
        with self._database.read() as connection:
            return any_offer(connection, identity)
