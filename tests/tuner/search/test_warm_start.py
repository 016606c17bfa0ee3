"""Searches that start from what won on similar models."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.samples.sample_results import DEFAULT_OPERATORS, IDENTITY, best, evaluation

from results.records.figures import OperatorRow
from results.records.identity import Structure
from results.store.store import Store
from search_space.exactness import Exactness
from tuner.search.candidates import Answer
from tuner.search.search import Search
from tuner.search.studies import open_study
from tuner.search.warm_start import WarmStart, recorded_starts

MINE = replace(IDENTITY, structure=Structure("0p" * 32, "5h" * 32))
DEFAULT = evaluation("default", operators=DEFAULT_OPERATORS)


def other(recipe: str, name: str, **fields: object):
    return best(recipe, identity=replace(MINE, model_hash=f"{name:x<64}", model_name=name, **fields))


def starts(*bests, sources=()) -> list[str]:
    return WarmStart(bests, sources).starts_for(MINE, DEFAULT, Exactness.EXACT)


def test_the_most_alike_come_first() -> None:
    alike_in_operators = other("fold-constants", "wider", structure=Structure("0p" * 32, "77" * 32))
    other_weights = other("sink-transposes", "weights")
    deeper = other("select-transposes", "deeper", structure=Structure("88" * 32, "88" * 32))
    assert starts(deeper, alike_in_operators, other_weights) == ["sink-transposes", "fold-constants"]
    assert starts(deeper, other("sink-transposes", "again")) == ["sink-transposes", "select-transposes"]


def test_what_does_not_count() -> None:
    convolutions = (OperatorRow(0, "conv_1", "DepthwiseConv2D", "Conv2D", 50, 50),)
    unlike = best(
        "sink-transposes",
        identity=replace(MINE, model_hash="x" * 64, structure=Structure("88" * 32, "88" * 32)),
        default=evaluation("default", identity=replace(MINE, model_hash="x" * 64), operators=convolutions),
    )
    elsewhere = other("sink-transposes", "board", target=replace(MINE.target, name="ethos-u85-256"))
    assert starts(unlike, elsewhere, other("default", "nothing"), other("no-such-pass", "extension")) == []
    assert starts(best("sink-transposes", identity=MINE)) == [], (
        "a search of the same model is gone on with, not learnt from"
    )


def test_what_the_same_command_finds_does_not_count() -> None:
    """It would hang on which of its models came first; what an earlier toolchain found does not."""
    found = other("sink-transposes", "neighbour")
    before = other("sink-transposes", "neighbour", versions={**MINE.versions, "executorch": "1.5.0"})
    assert starts(found) == ["sink-transposes"]
    assert starts(found, sources={"neighbour"}) == []
    assert starts(before, sources={"neighbour"}) == ["sink-transposes"]


def test_the_store_tells_the_newest_first(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite") as store:
        for name in ("c", "a", "b"):
            found = other("sink-transposes", name)
            store.identities.register(found.identity)
            store.bests.record(found)
        assert [one.identity.model_name for one in store.bests.newest(2)] == ["b", "a"]
        assert starts(*WarmStart.of(store, ()).bests) == ["sink-transposes"]


@pytest.mark.parametrize("trials", [0, 1])
def test_a_search_keeps_the_starts_that_it_began_with(tmp_path: Path, trials: int) -> None:
    study = open_study(tmp_path, MINE, seed=0)
    if trials:  # of a search from before there was experience
        search = Search(study, {}, seed=0)
        (candidate,) = search.ask(1)
        search.tell(candidate, Answer("program", 100, ("program",), {}, {}))
        search.keep()
    assert recorded_starts(study, lambda: ["sink-transposes"]) == ([] if trials else ["sink-transposes"])
    again = open_study(tmp_path, MINE, seed=0)
    assert recorded_starts(again, lambda: ["select-transposes"]) == ([] if trials else ["sink-transposes"])
