"""The service's own folder and database: tokens, uploads, jobs. Results are in the store, not here."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)

from results.errors import StoreError
from results.store.database.connect import BUSY_SECONDS, one_line_errors

_VERSION = 1
"""Of the tables below, kept in the file; raised with a step in `_upgrade` when they change."""

_metadata = MetaData()

tokens = Table(
    "tokens",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(8), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", String(40), nullable=False),
    Column("expires", String(40)),
    Column("revoked", String(40)),
)

uploads = Table(
    "uploads",
    _metadata,
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(4), nullable=False),
    Column("label", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("described", Text, nullable=False),
    Column("owner", String(16), nullable=False),
    Column("created", String(40), nullable=False),
)

jobs = Table(
    "jobs",
    _metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("request", Text, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("identity", String(64)),
    Column("owner", String(16), nullable=False),
    Column("created", String(40), nullable=False),
    Column("started", String(40)),
    Column("ended", String(40)),
)


class State:
    """A state folder; any number of processes may have it open, one of them serves."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, made if it is missing, for its owner only.

        Raises:
            StoreError: it cannot be used, or is a newer velatune's.
        """
        self.folder = folder
        self.database = folder / "service.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"the service's folder {folder} cannot be made: {error.strerror}") from None
        self._engine = _engine(self.database)
        with self.write() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > _VERSION:
                raise StoreError(f"{self.database} was written by a newer velatune; upgrade velatune")
            _metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={_VERSION}")

    def connection(self) -> Connection:
        """One for as long as the folder is open; never in a transaction of its own."""
        return self._engine.connect()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with one_line_errors(str(self.database)), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, with the write lock from its beginning."""
        with one_line_errors(str(self.database)), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Be the one process that serves this folder; the kernel lets go of it when the process dies.

        Raises:
            StoreError: another one does.
        """
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"another velatune serve uses {self.folder}; stop it, or name another folder with --state"
                ) from None
            yield
        finally:
            os.close(lock)

    def close(self) -> None:
        self._engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
        isolation_level="AUTOCOMMIT",
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: object, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        # A job that was accepted is there after a power cut too; it is written to seldom.
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

    return engine
