"""An empty store that knows one identity, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest
from support.samples.sample_results import IDENTITY

from results.store.store import Store


@pytest.fixture
def store(where: Path | str):
    with Store.open(where) as store:
        store.identities.register(IDENTITY)
        yield store
