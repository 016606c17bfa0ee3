"""Claims: what other people's searches found, imported and not verified here."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from results.records.best import Best
from results.records.claim import Claim, ImportOutcome
from results.records.identity import Identity
from results.records.precedence import REFUTING
from results.records.record import canonical_json
from results.store.database.database import Database
from results.store.database.tables import bests, claims, evaluations, identities, models, targets
from results.store.lookups.offer_rows import claim_in
from results.store.rows.identity_rows import identity_row
from results.store.rows.insertion import upsert
from results.store.rows.queries import IDENTITY_COLUMNS, IDENTITY_TABLES, OFFERED, intact, load_bests
from results.store.rows.rows import TARGET_NAMES, recipe_sha256


class Claims:
    """The claims of a store: at most one for each identity."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_all(self, entries: Iterable[tuple[Identity, Claim]]) -> list[ImportOutcome]:
        """Take over what other people's searches found, all of it or, if anything fails, nothing.

        A claim is not verified. Lookups take it only where the store has no best of its own. It is removed when its
        recipe is evaluated here, or when the store has as good a best. Of two claims for an identity the later one is
        kept.

        Returns:
            What became of each.
        """
        with self._database.write() as connection:
            return [_write(connection, identity, claim) for identity, claim in entries]

    def shareable(self) -> list[Best]:
        """Every best, and of identities without one what was imported, by model name, target and age."""
        with self._database.read() as connection:
            own = load_bests(connection)
            claimed = _load(connection)
        have = {best.identity.key for best in own}
        return own + [best for best in claimed if best.identity.key not in have]


def _write(connection: Connection, identity: Identity, claim: Claim) -> ImportOutcome:
    """Keep a claim beside what is known, in the place of an earlier one, unless nothing can come of it."""
    identity_id = identity_row(connection, identity)  # what is known of it is not theirs to change
    sha256 = recipe_sha256(claim.recipe)
    same = (evaluations.c.identity_id == identity_id, evaluations.c.recipe_sha256 == sha256)
    tried = connection.execute(select(evaluations.c.status, evaluations.c.verified).where(*same)).first()
    if tried is not None and tried.status in REFUTING:
        return "refuted"
    held = connection.execute(
        select(evaluations.c.cycles)
        .join(bests, bests.c.best_evaluation_id == evaluations.c.id)
        .where(bests.c.identity_id == identity_id, OFFERED)
    ).scalar()
    if (tried is not None and tried.verified) or (held is not None and held <= claim.best.cycles):
        return "known"
    values = {
        "recipe_sha256": sha256,
        "cycles": claim.best.cycles,
        "claim_json": canonical_json(claim.to_json()),
        "found": claim.found,
    }
    upsert(connection, claims, {"identity_id": identity_id}, values)
    return "new" if held is None else "cheaper"


def settle_claim(connection: Connection, identity_id: int, cycles: int) -> None:
    """Forget a claim that is not cheaper than a best of the store's own.

    Args:
        connection: the transaction to write in.
        identity_id: row id of the identity.
        cycles: of the store's own best.
    """
    connection.execute(delete(claims).where(claims.c.identity_id == identity_id, claims.c.cycles >= cycles))


def _load(connection: Connection) -> list[Best]:
    """Every claim, by model name, target and age (newest first)."""
    rows = connection.execute(
        select(*IDENTITY_COLUMNS, claims.c.claim_json)
        .select_from(IDENTITY_TABLES.join(claims, claims.c.identity_id == identities.c.id))
        .order_by(models.c.name, *(targets.c[name] for name in TARGET_NAMES), claims.c.found.desc())
    )
    found = (intact(row, f"imported best of identity {row['key']}", claim_in) for row in rows.mappings())
    return [best for best in found if best is not None]
