"""Bringing a database to this version's schema, safely while other processes do the same."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from results.errors import StoreError
from results.store.database.connect import writer_of
from results.store.database.tables import VERSION_TABLE

HEAD = "5"
"""The schema revision that this code reads and writes; the newest one in migrations/versions."""

_MIGRATIONS = Path(__file__).with_name("migrations")
# Any constant will do, as long as every process takes the same lock.
_POSTGRESQL_LOCK = 0x76656C61


def prepare(engine: Engine, where: str) -> None:
    """Create or upgrade the schema in one transaction; does nothing when it is current.

    Args:
        engine: of the database.
        where: the database, as messages name it.

    Raises:
        StoreError: this code does not know the schema, or the database is somebody else's.
    """
    with engine.begin() as connection:
        if _revision(connection, where) == HEAD:
            return
    with writer_of(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})
        # Another process may have done it while this one waited for the lock.
        revision = _revision(connection, where)
        if revision != HEAD:
            _upgrade(connection, revision, where)


def check(engine: Engine, where: str) -> None:
    """See that a store that is only read has the schema that this code reads.

    Args:
        engine: of the database.
        where: the database, as messages name it.

    Raises:
        StoreError: it has another one, or the database is no store.
    """
    with engine.begin() as connection:
        revision = _revision(connection, where)
    if revision is None:
        raise StoreError(f"{where} is not a velatune store: it is empty")
    if revision != HEAD:
        raise StoreError(
            f"the store {where} has schema {revision[:40]}, this velatune reads {HEAD}; use the velatune that made it, "
            "or export its recipes with that one and import them here"
        )


def _revision(connection: Connection, where: str) -> str | None:
    """The database's schema revision; None for an empty database."""
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        # A PostgreSQL database may be shared with others; an SQLite file is ours alone or not ours.
        if connection.dialect.name == "sqlite" and inspector.get_table_names():
            raise StoreError(f"{where} is an SQLite database of another program; name another file with --store")
        return None
    revisions = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
    if len(revisions) != 1:
        raise StoreError(f"the store {where} is damaged: it names {len(revisions)} schema revisions")
    return str(revisions[0])


def _upgrade(connection: Connection, revision: str | None, where: str) -> None:
    # Imported here: opening a store whose schema is current, the usual case, stays fast.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreError(
            f"the store {where} has schema {revision[:40]}, and this velatune reads up to {HEAD}: a newer one or a "
            "development version wrote it. Upgrade velatune, or name a new store with --store. To take the recipes "
            "over, run velatune export with the one that wrote it, and velatune import with this one"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
