"""Recipes as a file: what goes out comes in again, what is hostile or damaged does not, and none of it is trusted."""

import dataclasses
import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.samples.sample_results import IDENTITY, as_looked_up, best, evaluation, failed, figures, mutated

from results.errors import StoreError
from results.lookup.lookup import Hit, Miss, Nearest, lookup
from results.records.best import Best
from results.records.claim import Claim
from results.records.figures import Quality
from results.records.identity import Identity, Structure
from results.reports.recipe_file import Entry, read, written
from results.store.store import Store

OTHERS = [
    mutated(IDENTITY, ("target", "name"), "ethos-u85-256"),
    mutated(mutated(IDENTITY, ("model_name",), "a model"), ("model_hash",), "b2" * 32),
    dataclasses.replace(IDENTITY, objective={"minimised": "other"}, structure=None),
]


@pytest.fixture
def store(where):
    with Store.open(where) as store:
        yield store


def entries(*bests: Best) -> list[Entry]:
    return read(written(bests).encode(), "recipes.json")


def imported(store: Store, *bests: Best) -> list[str]:
    return store.claims.record_all((entry.identity, entry.claim) for entry in entries(*bests))


def test_what_was_exported_is_imported_and_exported_again(store):
    bests = [best(identity=identity) for identity in (IDENTITY, *OTHERS)]
    text = written(bests)
    assert imported(store, *bests) == ["new"] * 4
    assert written(store.claims.shareable()) == text == written(reversed(bests))
    names = [entry["identity"]["model_name"] for entry in json.loads(text)["recipes"]]
    assert names == sorted(names)
    assert text.isascii() and max(map(len, text.splitlines())) < 120


def test_a_newer_best_changes_the_lines_of_its_own_only():
    older = [best(identity=identity) for identity in (IDENTITY, *OTHERS)]
    newer = best("another", 55, mutated(IDENTITY, ("versions", "ethos-u-vela"), "5.2.0"))
    before, after = written(older).splitlines(), written([*older, newer]).splitlines()
    assert len(after) == len(before), "the newest is reported, not both"
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    words = {line.split('"')[1] for line in changed}
    assert words == {
        "ethos-u-vela", "recipe", "cycles", "stream_cycles", "conservative_cycles", "vela_cycles", "transpose_cycles",
        "compiler_cycles",
        "found",
    }  # fmt: skip


def test_a_default_that_is_wrong_is_exported_as_such(store):
    wrong = evaluation("default", 50, status="wrong", reason="191 of 192 values differ", verified=False)
    known = best(default=wrong, best=evaluation("copies", 60), recipe="copies")
    assert known.default_fault and imported(store, known) == ["new"]
    found = lookup(store.lookups, IDENTITY).best
    assert (found.recipe, found.default_fault) == ("copies", known.default_fault)
    assert written(store.claims.shareable()) == written([known])


def test_what_is_imported_is_not_verified(store):
    (outcome,) = imported(store, best())
    answer = lookup(store.lookups, IDENTITY)
    assert outcome == "new" and isinstance(answer, Hit)
    assert answer.best.recipe == "fuse-transposes" and not answer.best.best.verified
    assert answer.best.best.figures == best().best.figures
    assert store.bests.get(IDENTITY.key) is None and store.bests.all() == [], "nothing was found here"
    assert store.evaluations.counts(IDENTITY.key) == (0, 0)
    near = lookup(store.lookups, mutated(IDENTITY, ("model_hash",), "c3" * 32))
    assert isinstance(near, Nearest) and not near.best.best.verified


def test_what_is_found_here_takes_the_place_of_what_was_imported(store):
    imported(store, best())
    own = store.bests.record(best())
    assert lookup(store.lookups, IDENTITY) == Hit(as_looked_up(own))
    assert imported(store, best(), best(identity=OTHERS[0])) == ["known", "new"]
    assert imported(store, best("dearer", 61)) == ["known"]
    assert imported(store, best("cheaper", 59)) == ["cheaper"]
    assert lookup(store.lookups, IDENTITY) == Hit(as_looked_up(own)), "what was verified here comes first"
    similar = store.lookups.similar(IDENTITY.structure, IDENTITY.target)
    assert [one.recipe for one in similar] == ["fuse-transposes", "cheaper"]
    store.evaluations.record(evaluation("cheaper", 62))
    assert [one.recipe for one in store.lookups.similar(IDENTITY.structure, IDENTITY.target)] == ["fuse-transposes"]
    assert imported(store, best("cheaper", 59)) == ["known"], "it is known what it costs"


def test_what_turns_out_wrong_here_is_forgotten(store, caplog):
    imported(store, best())
    with caplog.at_level(logging.WARNING):
        store.evaluations.record(failed("fuse-transposes", "wrong"))
    assert isinstance(lookup(store.lookups, IDENTITY), Miss)
    assert "forgot the imported recipe 'fuse-transposes'" in caplog.text
    assert imported(store, best()) == ["refuted"]
    assert isinstance(lookup(store.lookups, IDENTITY), Miss)


def test_a_crash_here_settles_nothing(store):
    imported(store, best())
    store.evaluations.record(failed("fuse-transposes", "crashed"))
    assert isinstance(lookup(store.lookups, IDENTITY), Hit)


def test_a_damaged_claim_is_skipped(store, caplog):
    imported(store, best())
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE claims SET claim_json = '{\"recipe\": 7}'")
    with caplog.at_level(logging.WARNING):
        assert isinstance(lookup(store.lookups, IDENTITY), Miss)
        assert store.claims.shareable() == []
    assert "skipped imported best" in caplog.text


def test_all_or_nothing(store):
    good, claim = IDENTITY, Claim.by(best())
    bad = dataclasses.replace(OTHERS[0], model_name="\ud800")  # no database takes half a character

    def two() -> Any:
        yield good, claim
        yield bad, claim
        raise StoreError("the file went away")

    with pytest.raises(StoreError):
        store.claims.record_all(two())
    assert store.claims.shareable() == []


CONTENT = json.loads(written([best(), best(identity=OTHERS[0])]))


def changed(*path: Any, to: Any) -> bytes:
    content = json.loads(json.dumps(CONTENT))
    inner = content
    for name in path[:-1]:
        inner = inner[name]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return json.dumps(content).encode()


FIRST = ("recipes", 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "EOF"),
        (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00", "JSON"),
        (written([best()]).encode()[:-40], "EOF"),
        (b"<<<<<<< HEAD\n" + written([best()]).encode(), "expected value"),
        (b"[" * 100_000, "recursion"),
        (b"null", "object"),
        (b'{"format": 2, "recipes": []}', "newer velatune"),
        (b'{"recipes": []}', "format"),
        (changed(*FIRST, "note", to="hello"), "recipes.0.note"),
        (changed(*FIRST, "identity", "versions", "torch", to=2), "recipes.0.identity.versions.torch"),
        (changed(*FIRST, "identity", "target", "name", to=["u55"]), "recipes.0.identity.target.name"),
        (changed(*FIRST, "claim", "best", "cycles", to=-1), "non-negative"),
        (changed(*FIRST, "claim", "best", "cycles", to=2**63), "non-negative"),
        (changed(*FIRST, "claim", "best", "cycles", to=1e2), "recipes.0.claim.best.cycles"),
        (changed(*FIRST, "claim", "best", "label", to="guessed"), "recipes.0.claim.best.label"),
        (changed(*FIRST, "claim", "best", "label", to="measured"), "not of the same kind"),
        (changed(*FIRST, "claim", "best", "cycles", to=101), "more cycles than the default"),
        (changed(*FIRST, "claim", "seed", to=-7), "non-negative"),
        (changed(*FIRST, "claim", "seconds", to=float("nan")), "seconds"),
        (changed(*FIRST, "claim", "recipe", to="a\x1b[2Jb"), "not printable"),
        (changed(*FIRST, "claim", "recipe", to="a\0b"), "not printable"),
        (changed(*FIRST, "claim", "recipe", to="x" * 200_000), "too long"),
        (changed(*FIRST, "identity", "model_name", to="\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"), "not printable"),
        (changed(*FIRST, to=CONTENT["recipes"][1]), "twice"),
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(content, said):
    with pytest.raises(StoreError, match=r"recipes\.json") as error:
        read(content, "recipes.json")
    message = str(error.value)
    assert said in message and len(message) < 500 and message.isprintable()


@settings(max_examples=60)
@given(st.binary(max_size=60), st.integers(0, 3000), st.integers(0, 60))
def test_any_damage_is_refused_or_harmless(noise, at, length):
    good = written([best()]).encode()
    try:
        found = read(good[:at] + noise + good[at + length :], "recipes.json")
    except StoreError as error:
        assert str(error).isprintable()
    else:
        assert all(not entry.best().best.verified for entry in found)


def test_a_huge_file_is_not_parsed():
    with pytest.raises(StoreError, match="too large"):
        read(b" " * (65 * 2**20), "recipes.json")


def test_what_is_known_of_a_model_is_not_changed(store):
    own = store.bests.record(best())
    forged = dataclasses.replace(IDENTITY, model_name="forged", structure=Structure("ff" * 16, "ff" * 16))
    assert imported(store, best("cheaper", 59, forged)) == ["cheaper"]
    assert store.bests.get(IDENTITY.key) == own


def test_claims_hold_for_their_own_identity_only(store):
    imported(store, best())
    asked: Identity = mutated(IDENTITY, ("quantisation", "scheme"), "int16")
    assert not isinstance(lookup(store.lookups, asked), Hit)


def test_what_is_not_exact_stays_so(store):
    near = evaluation("fuse-transposes", 60, exactness="requantising", quality=Quality(40.5, 41.0, 8))
    imported(store, best(best=near))
    found = lookup(store.lookups, IDENTITY).best.best
    assert (found.exactness, found.quality, found.verified) == (near.exactness, near.quality, False)


def test_costs_are_reported_as_they_were(store):
    one = best(best=evaluation("fuse-transposes", 60, figures=figures(60, sram_bytes=1)))
    imported(store, one)
    assert lookup(store.lookups, IDENTITY).best.best.figures.sram_bytes == 1
