"""An open database: its transactions, and what else the parts of a store share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from results.store.database.commit_marks import Changes
from results.store.database.connect import one_line_errors, writer_of
from results.store.database.fast_reads import FastReads


class Database:
    """One database, for any number of threads.

    Attributes:
        location: as messages name it.
        fast_reads: single statements that read.
        changes: whether anything was committed.
    """

    def __init__(self, engine: Engine, location: str) -> None:
        """Take over an engine, which `close` disposes of.

        Args:
            engine: of a database whose schema is right.
            location: as messages name the database.
        """
        self.location = location
        self.fast_reads = FastReads(engine, location)
        self.changes = Changes(engine)
        self._engine = engine
        self._writer = writer_of(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises StoreError for what the database raises inside the block."""
        with one_line_errors(self.location), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end of the block, rolled back if the block raises.

        Raises StoreError for what the database raises inside the block.
        """
        with one_line_errors(self.location), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.changes.close()
        self._engine.dispose()
        self.fast_reads.close()
