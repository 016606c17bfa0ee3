"""From the name of a store to an engine, and from a driver's error to one line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from platformdirs import user_data_dir
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from results.errors import StoreError

BUSY_SECONDS = 30.0
"""How long a process waits for another one that is writing to the same SQLite file."""


def store_url(where: str | Path | None) -> URL:
    """The database URL for a path, a URL, or (None) the user's own store.

    Raises:
        StoreError: not a URL, or of a database that is not supported.
    """
    if where is None:
        where = Path(user_data_dir("velatune", appauthor=False)) / "store.sqlite"
    text = str(where)
    if not text:
        raise StoreError("the store's name is empty; give a path, sqlite:///PATH or postgresql://HOST/NAME")
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the store's URL cannot be read; write sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise StoreError(
            f"a store in {url.drivername!r} is not supported; give a path, sqlite:///PATH or postgresql://HOST/NAME"
        )
    return url


def place(url: URL) -> str:
    """How the store is named in messages: its path, or its URL without the password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return url.render_as_string(hide_password=True)


def connect(url: URL, read_only: bool = False) -> Engine:
    """An engine for the store.

    Nothing is opened yet. A missing folder is made unless the store is only read.

    Args:
        url: as `store_url` gives it.
        read_only: whether nothing may be written.

    Returns:
        The engine.

    Raises:
        StoreError: the database's driver is not installed, or the folder cannot be made.
    """
    if url.get_backend_name() != "sqlite":
        try:
            return create_engine(url, pool_pre_ping=True, execution_options={"postgresql_readonly": read_only})
        except (ModuleNotFoundError, NoSuchModuleError):
            raise StoreError(
                f"the store {place(url)} needs the PostgreSQL driver; run: pip install 'psycopg[binary]'"
            ) from None
    if read_only:
        url = _read_only(url)
    elif url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder of the store {place(url)} cannot be made: {error.strerror}") from None
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    if not read_only:
        event.listen(engine, "connect", _use_wal)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _read_only(url: URL) -> URL:
    """The same SQLite file, opened so that nothing can be written to it."""
    path = Path(url.database or "")
    query = {"uri": "true", "mode": "ro"}
    if not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        # SQLite wants to put its shared memory beside the file; where it cannot, nobody can be writing either.
        query["immutable"] = "1"
    return url.set(database=f"file:{quote(str(path))}", query=query)


def writer_of(engine: Engine) -> Engine:
    """The same engine for transactions that write: on SQLite they take the write lock when they begin.

    A transaction that reads first and writes later cannot wait for another writer (SQLite fails it at once).
    """
    return engine.execution_options(velatune_writes=True)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # None: the driver begins no transaction behind our back, _begin_sqlite does.
    connection.isolation_level = None
    # A damaged byte in one text must not stop the reading of all other rows.
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    connection.execute("PRAGMA foreign_keys=ON")
    # In WAL mode a killed process loses nothing under NORMAL; only a power cut may drop the latest commits.
    connection.execute("PRAGMA synchronous=NORMAL")


def _use_wal(connection: sqlite3.Connection, _record: Any) -> None:
    """Switch the file to write-ahead logging: readers and one writer do not wait for each other."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite does not wait by itself when several processes switch a new file at once.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("velatune_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def one_line_errors(where: str, *others: type[Exception]) -> Iterator[None]:
    """Turns what the database raises inside the block into a StoreError.

    Args:
        where: the database, as messages name it.
        others: classes of errors of a driver that is used directly.

    Yields:
        Nothing.

    Raises:
        StoreError: the database failed; the message is one line.
    """
    expected: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error, UnicodeError, OverflowError, *others)
    try:
        yield
    except expected as error:
        raise StoreError(_message(where, error)) from error


def _message(where: str, error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = " ".join(str(cause).split()) or type(cause).__name__
    if "locked" in text:
        return f"the store {where} has been locked by another process for {BUSY_SECONDS:.0f} s; try again later"
    if "readonly" in text or "read-only" in text:
        return f"the store {where} cannot be written; check its permissions or name another one with --store"
    if "unable to open" in text or "disk I/O" in text:
        return f"the store {where} cannot be opened; check the path, its permissions and the space on the disk"
    if "not a database" in text:
        return f"{where} is not a velatune store (not an SQLite database); name another file with --store"
    if "malformed" in text:
        return f"the store {where} is damaged ({text}); move the file away and tune again, or restore a copy"
    if "disk is full" in text:
        return f"the disk of the store {where} is full; nothing of the last write was kept"
    return f"the store {where} failed: {text[:300]}"
