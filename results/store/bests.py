"""Bests: the cheapest verified recipe for each identity."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, or_, select

from results.errors import StoreError
from results.records.best import Best
from results.records.identity import Identity
from results.records.recipe_text import elements
from results.records.record import utc_now
from results.store.claims import settle_claim
from results.store.database.database import Database
from results.store.database.tables import bests, evaluations, identities, models, targets
from results.store.rows.evaluation_rows import write_evaluation
from results.store.rows.identity_rows import write_identity
from results.store.rows.queries import OFFERED, load_bests
from results.store.rows.rows import target_values


class Bests:
    """The bests of a store: one for each identity that was searched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, best: Best, tied_with: int | None = None) -> Best:
        """Remember the outcome of a search, with both of its evaluations, in one transaction.

        A cheaper best that is stored already stays as it is (another process may have found it). At equal cycles the
        recipe of fewer elements stays, then the one that needs less SRAM. Both have the same identity, so their cycles
        are comparable.

        Args:
            best: of a search.
            tied_with: cycles of the search's cheapest candidate, if the estimate does not tell this one apart from it.
                A stored best that is no cheaper than that candidate is replaced.

        Returns:
            The best that the store holds now.

        Raises:
            StoreError: the best is not ok and verified, or of another identity, or is known to be wrong. Or it costs
                more than a default that is right. Nothing is stored then.
        """
        fault = _fault(best)
        if fault:
            raise StoreError(f"the recipe {best.recipe!r} for {best.identity.model_name} cannot be a best: {fault}")
        with self._database.write() as connection:
            identity_id = write_identity(connection, best.identity)
            # Searches over one identity decide one after another; on SQLite the write lock sees to it.
            lock = select(identities.c.id).where(identities.c.id == identity_id).with_for_update()
            connection.execute(lock)
            default_id, _ = write_evaluation(connection, best.default, identity_id)
            best_id, _ = write_evaluation(connection, best.best, identity_id)
            ranked_by = select(evaluations.c.cycles, evaluations.c.sram_bytes, evaluations.c.recipe)
            new = connection.execute(ranked_by.where(evaluations.c.id == best_id, OFFERED)).first()
            if new is None:
                raise StoreError(
                    f"the recipe {best.recipe!r} for {best.identity.model_name} cannot be a best: "
                    f"the store {self._database.location} knows an input for which its outputs are wrong"
                )
            held = connection.execute(
                ranked_by.join(bests, bests.c.best_evaluation_id == evaluations.c.id).where(
                    bests.c.identity_id == identity_id, OFFERED
                )
            ).first()
            is_tied = held is not None and tied_with is not None and tied_with <= held.cycles
            if held is None or is_tied or _order(*new) <= _order(*held):
                _write(connection, best, identity_id, default_id, best_id)
            settle_claim(connection, identity_id, new.cycles)
            stored = load_bests(connection, identities.c.id == identity_id)
            if not stored:
                where = self._database.location
                raise StoreError(f"the best of {best.identity.model_name} cannot be read from {where}")
        return stored[0]

    def get(self, identity_key: str) -> Best | None:
        """The best recipe for exactly this identity."""
        with self._database.read() as connection:
            found = load_bests(connection, identities.c.key == identity_key)
        return found[0] if found else None

    def all(self) -> list[Best]:
        """Every best, by model name, target and age (newest first)."""
        with self._database.read() as connection:
            return load_bests(connection)

    def newest(self, limit: int) -> list[Best]:
        """The bests that were found last, of any model and target, the newest first; with their operators."""
        with self._database.read() as connection:
            order = select(bests.c.identity_id).order_by(bests.c.updated.desc(), bests.c.identity_id).limit(limit)
            ids = list(connection.execute(order).scalars())
            found = load_bests(connection, identities.c.id.in_(ids))
            keys = dict(
                connection.execute(select(identities.c.key, identities.c.id).where(identities.c.id.in_(ids))).all()
            )
        return sorted(found, key=lambda best: ids.index(keys[best.identity.key]))

    def of_model(self, identity: Identity) -> list[Best]:
        """The bests of a model's content or of its name on one target. The identity that was met last comes first.
        `results.nightly.night.comparable` says which may be compared.
        """
        same_board = [targets.c[name] == value for name, value in target_values(identity.target).items()]
        model = or_(models.c.hash == identity.model_hash, models.c.name == identity.model_name)
        with self._database.read() as connection:
            found = load_bests(connection, model, *same_board)
            keys = {best.identity.key for best in found}
            known = select(identities.c.key, identities.c.created).where(identities.c.key.in_(keys))
            created = {row.key: row.created for row in connection.execute(known)}
        return sorted(found, key=lambda best: created.get(best.identity.key, ""), reverse=True)

    def updated(self, identity_key: str) -> str | None:
        """When the best of an identity was stored last: by the latest search that found nothing cheaper, too."""
        wanted = select(bests.c.updated).select_from(bests.join(identities)).where(identities.c.key == identity_key)
        with self._database.read() as connection:
            updated: str | None = connection.execute(wanted).scalar()
        return updated


def _write(connection: Connection, best: Best, identity_id: int, default_id: int, best_id: int) -> None:
    """Replace an identity's best; the identity's row must be locked."""
    connection.execute(delete(bests).where(bests.c.identity_id == identity_id))
    connection.execute(
        insert(bests).values(
            identity_id=identity_id,
            default_evaluation_id=default_id,
            best_evaluation_id=best_id,
            evaluations=best.evaluations,
            distinct_programs=best.distinct,
            seconds=best.seconds,
            status=best.status,
            seed=best.seed,
            updated=utc_now(),
        )
    )


def _order(cycles: int, sram_bytes: int, recipe: str) -> tuple[int, int, int, str]:
    """Bests of one identity from good to less good. Of equals the shorter recipe comes first, then the one that needs
    less SRAM. Total, so that the order of arrival does not matter."""
    return cycles, len(elements(recipe)), sram_bytes, recipe


def _fault(best: Best) -> str:
    """Why this may not be stored as a best; empty if it may."""
    key = best.identity.key
    if best.default.identity_key != key or best.best.identity_key != key:
        return "its evaluations belong to another model, target or toolchain"
    if best.recipe != best.best.recipe:
        return f"it was evaluated as {best.best.recipe!r}"
    if best.best.status != "ok" or best.best.figures is None:
        return f"its status is {best.best.status} ({best.best.reason})"
    if not best.best.verified:
        return "its outputs were not verified"
    if best.default.figures is None or (best.default.status != "ok" and not best.default_fault):
        return f"the default lowering's status is {best.default.status} ({best.default.reason})"
    if best.best.figures.label != best.default.figures.label:
        return "its figures and the default's are not of the same kind"
    if best.best.figures.cycles > best.default.figures.cycles and not best.default_fault:
        return "it costs more cycles than the default"
    return ""
