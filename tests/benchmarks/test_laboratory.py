"""The replay laboratory: what its tables are, and that the search is the best of all on them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from benchmarks.search.laboratory.replay import Replay
from benchmarks.search.laboratory.spaces import SPACES
from benchmarks.search.laboratory.table import Table, read, tables
from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Candidate
from tuner.search.search import Search

TABLES = tables()
SMALL = min(TABLES, key=lambda table: len(table.programs))


def asked(recipe: str) -> Candidate:
    """A candidate whose successors are asked for as well."""
    return Candidate(Recipe.parse(recipe))


def by_brute_force(table: Table) -> tuple[set[int], int]:
    """All programs that sequences of elements lead to, and the fewest cycles of those that may be offered."""
    seen, waiting = set(table.roots.values()), deque(table.roots.values())
    while waiting:
        for to in table.programs[waiting.popleft()].after.values():
            if to not in seen:
                seen.add(to)
                waiting.append(to)
    offered = (table.programs[number] for number in seen)
    return seen, min(one.cycles for one in offered if one.cycles is not None and not one.violation)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_program_of_a_table_can_be_reached(table: Table) -> None:
    """Whatever version of the search space it was recorded with: it says which, and is a space of its own."""
    space = next(one for one in SPACES if (one.model, one.target) == (table.model, table.target))
    assert table.elements == space.elements, "make lab-record"
    assert {"search space", "stream cycles"} <= table.versions.keys()
    seen, best = by_brute_force(table)
    assert seen == set(range(len(table.programs))) and best == table.best_cycles
    assert table.whole or len(table.programs) == space.most


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read(SMALL.write(tmp_path)) == SMALL


def test_a_replay_answers_like_the_table_and_counts_programs_once() -> None:
    lookup = Replay(SMALL)
    default = lookup.evaluate(asked("default"))
    assert default.cycles == SMALL.default_cycles and default.successors
    for element, program in default.successors.items():
        found = lookup.evaluate(asked(element))
        assert found.program == program and found.path == (default.program, program)
    unasked = replace(asked("default"), expand_to=-inf)
    assert lookup.evaluate(unasked) == replace(default, successors=None, sites=None)
    compiled = len(lookup.compiles)
    assert compiled == 1 + len(set(default.successors.values()))
    lookup.evaluate(asked(next(iter(default.successors))))
    outside = lookup.evaluate(asked("merge-slices"))
    assert outside.program == default.program and len(lookup.compiles) == compiled


@pytest.mark.parametrize("sampler", ["local-search", "greedy"])
@pytest.mark.parametrize("table", [table for table in TABLES if len(table.programs) < 100], ids=lambda t: t.name)
def test_a_search_that_says_exhausted_has_the_proven_best(table: Table, sampler: str) -> None:
    """Also where a program is wrong."""
    best_one = next(one for one in table.programs if one.cycles == table.best_cycles and not one.violation)
    wrong = replace(best_one, cycles=None, after={})
    programs = tuple(wrong if one is best_one else one for one in table.programs)
    for of in (table, replace(table, programs=programs)):
        search = Search(None, of.choices, 0, of.starts, sampler=sampler, passes=of.elements)  # type: ignore[arg-type]
        lookup = Replay(of)
        while batch := search.ask(8):
            for candidate in batch:
                if not search.is_dropped(candidate):
                    search.tell(candidate, lookup.evaluate(candidate))
        seen, best = by_brute_force(of)
        found = search.states.best()
        assert set(lookup.compiles) == seen
        assert found is not None and found.cycles == best
