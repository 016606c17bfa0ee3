"""The store: every evaluation ever made, and the best recipe for each identity.

    with Store.open() as store:
        store.identities.register(identity)
        store.evaluations.record(evaluation)
        store.bests.record(best)

Any number of processes may use one store at once. Every call is one transaction. A process killed inside it leaves
nothing of that call, and all of the calls before. Rows that turn out to be damaged are skipped with a warning in the
log. A store that cannot be used at all raises StoreError.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from sqlalchemy import Engine

from results.errors import StoreError
from results.store.bests import Bests
from results.store.claims import Claims
from results.store.database.connect import connect, one_line_errors, place, store_url
from results.store.database.database import Database
from results.store.database.schema import check, prepare
from results.store.evaluations import Evaluations
from results.store.identities import Identities
from results.store.listings import Listings
from results.store.lookups.lookups import Lookups
from results.store.measurements import Measurements
from results.store.nights import Nights
from results.store.simulations import Simulations


class Store:
    """A results store; made by `Store.open`, closed by `close` or at the end of a `with`.

    Attributes:
        database: its transactions.
        location: as messages name it.
        identities, evaluations, simulations, measurements, bests, claims, nights: its records, by kind.
        lookups: what it offers for a model and target.
        listings: its bests in short.
    """

    def __init__(self, engine: Engine, location: str) -> None:
        """Take over an engine; callers use `Store.open`.

        Args:
            engine: of a database whose schema is right.
            location: as messages name the database.
        """
        self.location = location
        self.database = Database(engine, location)
        self.identities = Identities(self.database)
        self.evaluations = Evaluations(self.database, self.identities)
        self.simulations = Simulations(self.database, self.identities)
        self.measurements = Measurements(self.database)
        self.bests = Bests(self.database)
        self.claims = Claims(self.database)
        self.nights = Nights(self.database)
        self.lookups = Lookups(self.database)
        self.listings = Listings(self.database)

    @classmethod
    def open(cls, where: str | Path | None = None, *, read_only: bool = False) -> Self:
        """Open a store, creating it or upgrading its schema when needed.

        Args:
            where: a path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; None for the user's
                own store in the folder that the operating system keeps for application data.
            read_only: neither create nor change anything.

        Returns:
            The store, open; `close` it, or use it in a `with`.

        Raises:
            StoreError: the store cannot be reached, read or written, has an unknown schema, or is none.
        """
        url = store_url(where)
        location = place(url)
        engine = connect(url, read_only)
        try:
            with one_line_errors(location):
                (check if read_only else prepare)(engine, location)
        except StoreError:
            engine.dispose()
            raise
        return cls(engine, location)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
