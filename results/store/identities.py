"""Identities: the model, target, versions and options that results belong to."""

from __future__ import annotations

from sqlalchemy import Connection, select

from results.errors import StoreError
from results.records.identity import Identity
from results.store.database.database import Database
from results.store.database.tables import identities, models
from results.store.rows.identity_rows import write_identity
from results.store.rows.queries import load_identities


class Identities:
    """The identities that a store knows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._row_ids: dict[str, int] = {}

    def register(self, identity: Identity) -> None:
        """Make an identity known; evaluations of it can be recorded from then on. Idempotent."""
        with self._database.write() as connection:
            write_identity(connection, identity)

    def get(self, key: str) -> Identity | None:
        """The identity of a key; None if it was never registered here, or cannot be read."""
        with self._database.read() as connection:
            return load_identities(connection, {key}).get(key)

    def hashes_named(self, model_name: str) -> set[str]:
        """Content hashes of the models that were registered under a name."""
        with self._database.read() as connection:
            return set(connection.execute(select(models.c.hash).where(models.c.name == model_name)).scalars())

    def row_id(self, connection: Connection, key: str) -> int:
        """The row id of a registered identity.

        Args:
            connection: the transaction to read in.
            key: the identity's key.

        Returns:
            The row id, which is remembered from the first call on.

        Raises:
            StoreError: the identity was never registered.
        """
        known = self._row_ids.get(key)
        if known is None:
            known = connection.execute(select(identities.c.id).where(identities.c.key == key)).scalar()
            if known is None:
                raise StoreError(
                    f"the store {self._database.location} does not know the identity {key}: register it first"
                )
            self._row_ids[key] = known
        return known
