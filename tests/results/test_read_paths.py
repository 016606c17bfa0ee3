"""Lookups have a read path of their own (docs/store.md). It gives the answers that SQLAlchemy gives for the same store,
and those that follow from the list of everything that the store holds."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.samples.sample_results import IDENTITY, as_looked_up, best, evaluation, mutated

from benchmarks.store.lookup import BySqlalchemy
from results.records.best import Best
from results.records.claim import Claim
from results.records.evaluation import Simulation
from results.records.identity import Identity
from results.service.reads.async_reads import AsyncReads
from results.store.database.connect import connect, store_url
from results.store.database.database import Database
from results.store.lookups.lookup_query import Offered, offered_in, question
from results.store.lookups.lookups import Lookups
from results.store.store import Store

#: Fields in which identities differ here, each with its other values.
OTHERS = {
    ("target", "name"): ("ethos-u55-256",),
    ("target", "facts", "memory_mode"): ("Sram_Only",),
    ("quantisation", "calibrated_on"): ("random inputs",),
    ("objective", "minimised"): ("stream cycles",),
    ("io_layout",): ("nhwc",),
    ("versions", "torch"): ("2.12.0",),
    ("versions", "ethos-u-vela"): ("5.0.0",),
    ("search_space_version",): ("0",),
    ("structure", "shapes"): ("0c" * 16,),
    ("structure", "operators"): ("0d" * 16,),
}
MODELS = (IDENTITY.model_hash, "b2" * 32, "c3" * 32)
CHANGES = [(path, value) for path, values in OTHERS.items() for value in values]


@st.composite
def identities(draw: st.DrawFn, most: int) -> Identity:
    """Near to one another, so that hits, stale ones and near ones are common. most: fields that change at most."""
    identity: Identity = mutated(IDENTITY, ("model_hash",), draw(st.sampled_from(MODELS)))
    for path, value in draw(st.lists(st.sampled_from(CHANGES), max_size=most, unique_by=lambda change: change[0])):
        identity = mutated(identity, path, value)
    return identity if draw(st.integers(0, 9)) else mutated(identity, ("structure",), None)


_EXAMPLES = itertools.count()

#: What is put into a store: an identity, the cycles of its best, and whether it is imported, or was simulated.
ENTRIES = st.lists(
    st.tuples(identities(2), st.integers(40, 90), st.sampled_from(("searched", "simulated", "imported"))),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Lookups]]:
    """A store, and its lookups as SQLAlchemy does them."""
    sqlite = request.param == "sqlite"
    where: Path | str = (
        tmp_path_factory.mktemp("store") / "store.sqlite" if sqlite else request.getfixturevalue("postgresql")
    )
    with Store.open(where) as store:
        plain = Database(connect(store_url(where)), "the same store")
        plain.fast_reads = BySqlalchemy(connect(store_url(where)), "the same store")
        yield store, Lookups(plain)
        plain.close()


def fill(store: Store, entries: list[tuple[Identity, int, str]]) -> None:
    """Put these into a store."""
    for number, (identity, cycles, kind) in enumerate(entries):
        found = best(f"recipe-{number}", cycles, identity)
        if kind == "imported":
            recent = evaluation(found.recipe, cycles, identity, created=f"2026-01-0{number + 1}T00:00:00.000000+00:00")
            store.claims.record_all([(identity, Claim.by(best(found.recipe, cycles, identity, best=recent)))])
            continue
        held = store.bests.record(found)
        if kind == "simulated":
            store.simulations.record(Simulation(identity.key, held.recipe, "FVP", "aa" * 32, 91))


def ages(store: Store, bests: list[Best]) -> dict[str, str]:
    """When each was found, by the key of its identity."""
    return {
        one.identity.key: (one.best.verified and store.bests.updated(one.identity.key)) or one.best.created
        for one in bests
    }


def expected(store: Store, asked: Identity) -> Best | None:
    """What docs/store.md says that a lookup answers, from the list of everything."""
    known = [one for one in store.claims.shareable() if one.identity.objective == asked.objective]
    age = ages(store, known)
    place = [one for one in known if (one.identity.target, one.identity.io_layout) == (asked.target, asked.io_layout)]
    itself = [
        one
        for one in place
        if (one.identity.model_hash, one.identity.quantisation) == (asked.model_hash, asked.quantisation)
    ]
    if itself:
        newest_first = sorted(itself, key=lambda one: age[one.identity.key], reverse=True)
        return min(newest_first, key=lambda one: (one.identity.key != asked.key, _other_versions(one.identity, asked)))
    if asked.structure is None:
        return None
    for level in ("shapes", "operators"):
        wanted = getattr(asked.structure, level)
        alike = [one for one in place if one.identity.structure and getattr(one.identity.structure, level) == wanted]
        if alike:
            return max(alike, key=lambda one: age[one.identity.key])
    return None


def _other_versions(one: Identity, asked: Identity) -> int:
    differing = sum(asked.versions.get(name) != version for name, version in one.versions.items())
    return differing + (one.search_space_version != asked.search_space_version)


async def _awaited(store: Store, asked: Identity) -> Offered | None:
    reads = AsyncReads(store.database.fast_reads)
    try:
        (row,) = await reads.rows(*question(asked, "postgresql"))
        return offered_in(row, (row["mark"],))
    finally:
        await reads.close()


@settings(deadline=None, max_examples=40)
@given(entries=ENTRIES, asked=identities(1))
def test_every_read_path_gives_the_same_answer(
    stores: tuple[Store, Lookups], entries: list[tuple[Identity, int, str]], asked: Identity
) -> None:
    store, plain = stores
    # Results under other objectives are never offered, so that examples do not see one another's.
    example = ("objective", "example"), str(next(_EXAMPLES))
    asked = mutated(asked, *example)
    fill(store, [(mutated(identity, *example), cycles, kind) for identity, cycles, kind in entries])
    found = store.lookups.offered(asked)
    event("hit or stale" if found.close else "near" if found.near else "miss")
    event("simulated" if found.simulated else "not simulated")

    assert found == plain.offered(asked)
    wanted = expected(store, asked)
    assert found.best == (None if wanted is None else as_looked_up(wanted))
    assert store.lookups.known(asked) == plain.known(asked)
    if asked.structure is not None:
        by_fast, by_plain = (
            one.similar(asked.structure, asked.target, objective=asked.objective) for one in (store.lookups, plain)
        )
        assert by_fast == by_plain
    if store.database.fast_reads.dialect == "postgresql":
        assert asyncio.run(_awaited(store, asked)) == (None if found.simulated else found)
