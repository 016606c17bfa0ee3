"""The search over states, on a made-up space whose best is known by looking at all of it."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from search_space.passes.recipe_pass import SITES_BY_PRICE
from search_space.recipe.recipe import Recipe
from search_space.recipe.space import tosa_passes
from tuner.search.candidates import Answer, Candidate
from tuner.search.graph.roots import AS_LOWERED
from tuner.search.samplers import SAMPLERS, SamplerName
from tuner.search.search import WINDOW, Search
from tuner.search.studies import Study

PASSES = [str(one) for one in tosa_passes()][:5]
CHOICES = {"conv1d": ("along-h", "along-w")}


class Space:
    """A program is a choice and a set of passes that were applied; its cycles are any fixed function of both. Passes
    commute, so many sequences lead to one program; one of them is wrong, one crashes."""

    def __init__(self) -> None:
        self.evaluated: list[str] = []

    def program(self, recipe: Recipe) -> str:
        return f"{dict(recipe.choices).get('conv1d', AS_LOWERED)}:{'+'.join(sorted(set(map(str, recipe.passes))))}"

    def cycles(self, program: str) -> int:
        return 1000 + sum(ord(c) * (i % 7 - 3) for i, c in enumerate(program))

    def violation(self, program: str) -> float:
        return 0.0

    def evaluate(self, candidate: Candidate) -> Answer:
        recipe = candidate.recipe
        if candidate.known is None:
            self.evaluated.append(str(recipe))
        program = self.program(recipe)
        beginnings = (Recipe(recipe.choices, recipe.passes[:length]) for length in range(len(recipe.passes) + 1))
        path = tuple(map(self.program, beginnings))
        if program.endswith(f":{PASSES[0]}"):
            return Answer("", None)  # the worker was lost over it
        if program.endswith(f":{PASSES[1]}"):
            return Answer(program, None, path)  # outputs differ
        answer = Answer(program, self.cycles(program), path, violation=self.violation(program))
        if not candidate.asks_for_more(answer):
            return answer
        applied = set(map(str, recipe.passes))
        successors = {}
        for name in PASSES:
            if name not in applied:
                longer = Recipe(recipe.choices, (*recipe.passes, *Recipe.parse(name).passes))
                successors[name] = self.program(longer)
        return replace(answer, successors=successors, sites={})

    def reachable(self) -> set[str]:
        """What sequences of passes lead to. Both passes that come to nothing lead to the program with both, which is
        therefore out of reach pass by pass."""
        return {
            f"{choice}:{'+'.join(sorted(some))}"
            for choice in (AS_LOWERED, *CHOICES["conv1d"])
            for count in range(len(PASSES) + 1)
            for some in itertools.combinations(PASSES, count)
            if not set(some) <= set(PASSES[:2]) or not some
        }

    def seen(self) -> set[str]:
        return {self.program(Recipe.parse(text)) for text in self.evaluated}


def study_in(folder: Path) -> Study:
    return Study(journal_in(folder))


def journal_in(folder: Path) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(folder / "journal")))
    return optuna.create_study(storage=storage, study_name="search", load_if_exists=True)


def run(search: Search, space: Space, most: int = 10_000) -> list[Candidate]:
    """Until nothing is left, or `most` evaluations in all."""
    done: list[Candidate] = []
    while batch := search.ask(most - search.evaluations):
        for candidate in batch:
            if not search.is_dropped(candidate):
                search.tell(candidate, space.evaluate(candidate))
                done.append(candidate)
        search.keep()
        if search.evaluations >= most:
            break
    return done


def test_it_sees_the_whole_space_and_asks_for_no_recipe_twice(tmp_path: Path) -> None:
    space = Space()
    search = Search(study_in(tmp_path), CHOICES, seed=0)
    run(search, space)
    assert search.ask(1) == []
    assert len(set(space.evaluated)) == len(space.evaluated)
    assert space.seen() >= space.reachable()
    best = search.states.best()
    assert best is not None and best.cycles == min(map(space.cycles, space.seen() | space.reachable()))


def test_the_best_is_never_a_wrong_or_lost_program(tmp_path: Path) -> None:
    space = Space()
    space.cycles = lambda program: 10 * len(program)  # type: ignore[method-assign]
    search = Search(study_in(tmp_path), {}, seed=0)
    run(search, space)
    best = search.states.best()
    assert best is not None and best.recipe == Recipe(), "the shortest program that is right"


def test_what_is_beyond_the_limits_is_not_offered_but_leads_on(tmp_path: Path) -> None:
    """All programs of one pass or two are beyond them; what is cheapest within needs three."""
    space = Space()
    space.cycles = lambda program: 1000 - len(program)  # type: ignore[method-assign]
    space.violation = lambda program: 0.25 * (program.count("+") < 2)  # type: ignore[method-assign]
    search = Search(study_in(tmp_path), {}, seed=0)
    run(search, space)
    best = search.states.best()
    assert best is not None and len(best.recipe.passes) == len(PASSES)
    again = Search(study_in(tmp_path), {}, seed=0)
    assert again.states.best() == best
    right = [
        t for t in journal_in(tmp_path).get_trials(states=[TrialState.COMPLETE]) if t.user_attrs["cycles"] is not None
    ]
    broken = [t.constraints["within limits"] for t in right]
    assert set(broken) == {0.0, 0.25}


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_asks_for_the_same_recipes(tmp_path: Path, seed: int) -> None:
    asked = []
    for repeat in range(2):
        (tmp_path / str(repeat)).mkdir()
        search = Search(study_in(tmp_path / str(repeat)), CHOICES, seed=seed)
        asked.append([(str(one.recipe), one.known is None) for one in run(search, Space(), most=30)])
    assert asked[0] == asked[1]
    assert len([recipe for recipe, is_new in asked[0] if is_new]) == 30


def test_it_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    before, after = Space(), Space()
    search = Search(study_in(tmp_path), CHOICES, seed=0)
    run(search, before, most=20)
    abandoned = search.ask(8)
    assert abandoned, "asked, and the process dies before the answer"

    again = Search(study_in(tmp_path), CHOICES, seed=0)
    assert again.evaluations == 20
    run(again, after)
    evaluated = [*before.evaluated, *after.evaluated]
    assert len(set(evaluated)) == len(evaluated)
    assert before.seen() | after.seen() >= after.reachable()
    best = again.states.best()
    assert best is not None and best.cycles == min(map(after.cycles, after.reachable()))


@pytest.mark.parametrize(
    ("sampler", "reported"),
    [*(("local-search", reported) for reported in (1, 11, 16, 21)), *((name, 13) for name in SAMPLERS)],
)
def test_a_run_that_was_killed_asks_for_what_it_would_have_asked_for(
    tmp_path: Path, sampler: SamplerName, reported: int
) -> None:
    """Also in the middle of a batch, of which some were reported."""
    (tmp_path / "whole").mkdir()
    whole = Space()
    run(Search(study_in(tmp_path / "whole"), CHOICES, seed=3, sampler=sampler, passes=PASSES), whole, most=40)
    space = Space()
    killed = Search(study_in(tmp_path), CHOICES, seed=3, sampler=sampler, passes=PASSES)
    while len(space.evaluated) < reported:
        for candidate in killed.ask(8)[: reported - len(space.evaluated)]:
            if not killed.is_dropped(candidate):
                killed.tell(candidate, space.evaluate(candidate))
                killed.keep()
    run(Search(study_in(tmp_path), CHOICES, seed=3, sampler=sampler, passes=PASSES), space, most=40)
    assert space.evaluated == whole.evaluated


@pytest.mark.parametrize("sampler", ["local-search", "tpe"])
def test_how_many_are_taken_at_a_time_changes_nothing(tmp_path: Path, sampler: SamplerName) -> None:
    """One by one, a window at a time, and as two workers do of which one is slow."""
    asked = []
    for way, most in enumerate((1, WINDOW, 1000)):
        (tmp_path / str(way)).mkdir()
        space, search = Space(), Search(study_in(tmp_path / str(way)), CHOICES, seed=2, sampler=sampler, passes=PASSES)
        under_way: deque[Candidate] = deque()
        while len(space.evaluated) < 20:
            if way == 2 or not under_way:
                under_way += search.ask(most)
                assert sum(not search.is_dropped(one) for one in under_way) <= WINDOW
            candidate = under_way.popleft()
            if not search.is_dropped(candidate):
                search.tell(candidate, space.evaluate(candidate))
        asked.append(space.evaluated)
    assert asked[0] == asked[1] == asked[2]


def test_a_batch_holds_distinct_recipes(tmp_path: Path) -> None:
    space = Space()
    search = Search(study_in(tmp_path), CHOICES, seed=1)
    while batch := search.ask(100):
        recipes = [candidate.recipe for candidate in batch]
        assert len(recipes) == len(set(recipes))
        for candidate in batch:
            if not search.is_dropped(candidate):
                search.tell(candidate, space.evaluate(candidate))


def test_wrong_candidates_teach_the_sampler(tmp_path: Path) -> None:
    """They are finished trials that break a constraint, not failed ones."""
    search = Search(study_in(tmp_path), {}, seed=0)
    space = Space()
    run(search, space)
    finished = [t for t in journal_in(tmp_path).trials if t.user_attrs["cycles"] is None]
    assert {trial.user_attrs["recipe"] for trial in finished} >= set(PASSES[:2])
    for trial in finished:
        assert trial.state == optuna.trial.TrialState.COMPLETE
        assert trial.constraints["right"] > 0


def test_starts_are_tried_first_and_the_space_is_still_seen_whole(tmp_path: Path) -> None:
    space = Space()
    starts = [",".join(PASSES[2:4]), ",".join(PASSES[1:4])]
    search = Search(study_in(tmp_path), CHOICES, seed=0, starts=starts)
    run(search, space, most=20)
    assert space.evaluated[:3] == ["default", *starts]
    again = Search(study_in(tmp_path), CHOICES, seed=0, starts=starts)
    assert again.evaluations == 20
    run(again, space)
    best = again.states.best()
    assert best is not None and best.cycles == min(map(space.cycles, space.reachable()))
    assert len(space.evaluated) == len(set(space.evaluated))
    # With a start for each choice, the one pass that comes to nothing alone is got round.
    assert set(map(space.program, map(Recipe.parse, space.evaluated))) >= {f"{AS_LOWERED}:{'+'.join(PASSES[2:])}"}


def test_nothing_else_is_asked_for_while_the_first_ones_are_out(tmp_path: Path) -> None:
    space = Space()
    search = Search(study_in(tmp_path), CHOICES, seed=0, starts=[",".join(PASSES[2:4])])
    first = search.ask(8)
    assert set(map(str, (candidate.recipe for candidate in first))) == {
        "default",
        ",".join(PASSES[2:4]),
        *(f"conv1d={one}" for one in CHOICES["conv1d"]),
    }
    for candidate in first:
        assert search.ask(8) == []
        search.tell(candidate, space.evaluate(candidate))
    assert len(search.ask(8)) == 8


class Together(Space):
    """Each pass pays by itself, and any two are dear."""

    def cycles(self, program: str) -> int:
        applied = program.split(":")[1].split("+")
        return 2000 if len(applied) > 1 else 1000 - len(applied[0])


def test_what_goes_on_from_a_step_that_leads_down_is_dropped(tmp_path: Path) -> None:
    """It was proposed when the step was expected to pay, and is not reported, though it was asked for."""
    space, dropped, reported = Together(), list[Recipe](), list[Recipe]()
    search = Search(study_in(tmp_path), {}, seed=0)
    while batch := search.ask(WINDOW):
        for candidate in batch:
            if search.is_dropped(candidate):
                dropped.append(candidate.recipe)
                continue
            answer = space.evaluate(candidate)
            reported.append(candidate.recipe)
            search.tell(candidate, answer)
    assert dropped and search.evaluations == len(set(reported))
    dear = [one.passes for one in reported if len(one.passes) > 1 or {str(p) for p in one.passes} & set(PASSES[:2])]
    assert all(any(one.passes[: len(passes)] == passes for passes in dear) for one in dropped)
    best = search.states.best()
    assert best is not None and best.cycles == min(map(space.cycles, space.reachable()))


class Sites(Space):
    """One pass that pays at some of its sites only."""

    PAYS = (3, -5, 2, -1, -4)  # cycles that each of its sites adds

    def program(self, recipe: Recipe) -> str:
        (one,) = recipe.passes or (None,)
        numbers = (
            range(1, 6) if one is not None and one.at in ("", *SITES_BY_PRICE) else one.at.split("+") if one else ()
        )
        return "sites " + "+".join(map(str, numbers))

    def cycles(self, program: str) -> int:
        numbers = program.removeprefix("sites ")
        return 100 + sum(self.PAYS[int(number) - 1] for number in numbers.split("+") if number)

    def evaluate(self, candidate: Candidate) -> Answer:
        recipe = candidate.recipe
        if len(recipe.passes) > 1:
            return Answer("", None)
        program = self.program(recipe)
        path = (self.program(Recipe()), program)[-1 - len(recipe.passes) :]
        answer = Answer(program, self.cycles(program), path)
        if not candidate.asks_for_more(answer):
            return answer
        successors = {} if recipe.passes else {PASSES[0]: self.program(Recipe.parse(PASSES[0]))}
        chosen = program.removeprefix("sites ")
        numbers = tuple(map(int, chosen.split("+"))) if chosen else ()
        sites = {0: (numbers, len(self.PAYS))} if recipe.passes and recipe.passes[0].at else {}
        return replace(answer, successors=successors, sites=sites)


def test_sites_are_chosen_one_by_one(tmp_path: Path) -> None:
    space = Sites()
    search = Search(study_in(tmp_path), {}, seed=0, starts=[f"{PASSES[0]}@profitable"])
    run(search, space, most=100)
    best = search.states.best()
    assert best is not None and str(best.recipe) == f"{PASSES[0]}@2+4+5"
    again = Search(study_in(tmp_path), {}, seed=0, starts=[f"{PASSES[0]}@profitable"])
    assert again.states.best() == best and again.ask(1) == []


def test_a_study_has_the_parameters_that_optuna_drew(tmp_path: Path) -> None:
    """So Optuna's dashboard shows them. Together they are the recipe."""
    search = Search(study_in(tmp_path), CHOICES, seed=0, sampler="tpe", passes=PASSES)
    run(search, Space(), most=20)
    trials = journal_in(tmp_path).trials
    assert len(trials) == 20
    for trial in trials:
        choice = trial.params["conv1d"]
        elements = [] if choice == AS_LOWERED else [f"conv1d={choice}"]
        slots = [value for name, value in sorted(trial.params.items()) if name.startswith("pass ") and value != "none"]
        recipe = Recipe.parse(trial.user_attrs["recipe"])
        assert [f"{name}={value}" for name, value in recipe.choices] == elements
        assert list(map(str, recipe.passes)) == slots
