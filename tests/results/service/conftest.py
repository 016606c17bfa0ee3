"""A service that many tests ask."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.processes.service_process import Running, bearer, running, token
from support.samples.sample_results import IDENTITY, best, mutated

from results.store.store import Store


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one model over four versions of Vela (the last one a regression), and a name that is hostile."""
    path = tmp_path_factory.mktemp("service") / "store.sqlite"
    with Store.open(path) as store:
        for version, cycles in (("4.9.0", 80), ("5.0.0", 70), ("5.1.0", 60), ("5.2.0", 66)):
            store.bests.record(best(cycles=cycles, identity=mutated(IDENTITY, ("versions", "ethos-u-vela"), version)))
        hostile = mutated(mutated(IDENTITY, ("model_name",), "<script>alert(1)</script>"), ("model_hash",), "b2" * 32)
        store.bests.record(best(identity=hostile))
    return path


@pytest.fixture(scope="session")
def service(filled: Path) -> Iterator[Running]:
    with running(filled, "--host", "0.0.0.0", "--rate", "10000") as one:
        yield one


@pytest.fixture(scope="session")
def roles(service: Running, filled: Path) -> Callable[[str], dict[str, str]]:
    """`roles("submit")`: headers with a token of this role."""
    made = {role: bearer(token(filled, role)) for role in ("read", "submit", "admin")}
    return made.__getitem__
