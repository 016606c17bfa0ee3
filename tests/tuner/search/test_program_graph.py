"""What is known of a space, and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from search_space.recipe.recipe import Recipe
from tuner.search.candidates import Answer
from tuner.search.graph.program_graph import ProgramGraph
from tuner.search.graph.roots import AS_LOWERED, START
from tuner.search.graph.state import Edge

FUSE, FOLD = "fuse-transposes", "fold-constants"


def report(
    states: ProgramGraph, recipe: str, path: str, cycles: int | None, successors: Mapping[str, str] | None = None
) -> dict[str, float]:
    """path: the programs on the way, the last one the recipe's own. Returns what passes changed, in cycles."""
    *_, program = path.split() or [""]
    answer = Answer(program, cycles, tuple(path.split()), successors, None if successors is None else {})
    return {edge.one: round(edge.change, 3) for edge in states.add(Recipe.parse(recipe), answer)}


def test_the_frontier_is_what_is_named_but_not_evaluated() -> None:
    states = ProgramGraph({})
    assert states.frontier() == [Recipe()]
    report(states, "default", "a", 10, {FUSE: "b", FOLD: "c"})
    assert sorted(map(str, states.frontier())) == [FOLD, FUSE]
    report(states, FUSE, "a b", 5, {FOLD: "d"})
    assert [str(recipe) for recipe in states.frontier()] == [f"{FUSE},{FOLD}", FOLD], "behind the cheapest first"


def test_a_lost_program_is_not_open_again() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 10, {FUSE: "b", FOLD: "c"})
    report(states, FUSE, "", None)
    report(states, FOLD, "a c", 9, {FUSE: "b"})
    assert states.frontier() == [], "another way to the same program would lose the worker again"
    best = states.best()
    assert best is not None and str(best.recipe) == FOLD


def test_equal_cycles_go_to_the_shorter_recipe() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 10, {FUSE: "b"})
    report(states, FUSE, "a b", 10, {FOLD: "c"})
    report(states, f"{FUSE},{FOLD}", "a b c", 10, {})
    best = states.best()
    assert best is not None and best.recipe == Recipe()


def test_every_combination_of_choices_is_a_root() -> None:
    states = ProgramGraph({"conv1d": ("along-h", "along-w")})
    assert [str(recipe) for recipe in states.frontier()] == ["default", "conv1d=along-h", "conv1d=along-w"]
    (step,) = states.roots.steps(Recipe.parse("conv1d=along-w"))
    assert (step.parameter, step.values, step.value) == ("conv1d", (AS_LOWERED, "along-h", "along-w"), "along-w")


def test_choices_are_put_together_once_they_have_paid() -> None:
    states = ProgramGraph(
        {"conv1d": ("along-h", "along-w"), "host-function": ("table",), "host-pool": ("odd",)}, [FUSE]
    )
    singles = [state for state in states.roots.open(states.best()) if len(state.choices) == 1]
    assert len(states.roots.open(states.best())) == 2 + 2 * 4 and len(singles) == 2 * 4
    cycles = {"": 10, "conv1d=along-w": 9, "host-function=table": 11, "host-pool=odd": 8}
    for root in states.roots.open(states.best()):
        (taken, *_) = [text for text in root.elements if "=" in text] or [""]
        report(states, str(root), _path(root), cycles.get(taken, 20) - len(root.passes), {})
    together = "conv1d=along-w,host-pool=odd"
    opened = states.roots.open(states.best())
    assert list(map(str, opened)) == [together, f"{together} | {FUSE}"], "what did not pay alone is left out"
    for cycles_of, root in enumerate(opened, 3):
        report(states, str(root), _path(root), cycles_of, {})
    assert states.roots.open(states.best()) == []
    left = [root for root in states.frontier() if not root.passes]
    assert {len(root.choices) for root in left} == {2, 3} and len(left) == 2 + 2 + 1 + 2 - 1, "but for that one"
    assert not states.all_seen(), "two that do not pay alone may pay together"


def test_a_setting_has_starts_of_its_own() -> None:
    setting = (("host-pool", "odd"),)
    states = ProgramGraph({"conv1d": ("along-h",)}, [FUSE], {setting: [f"{FUSE},{FOLD}"]})
    assert list(map(str, states.roots.open(states.best()))) == [
        "default", FUSE, "conv1d=along-h", f"conv1d=along-h | {FUSE}", "host-pool=odd", f"host-pool=odd | {FUSE},{FOLD}"
    ]  # fmt: skip
    start = states.roots.steps(Recipe(setting))[-1]
    assert (start.parameter, start.values) == (START, (AS_LOWERED, FUSE, f"{FUSE},{FOLD}"))


def test_choices_that_pay_by_themselves_are_tried_together_with_every_start() -> None:
    setting = (("host-pool", "odd"),)
    own = f"{FUSE},{FOLD}"
    states = ProgramGraph({"conv1d": ("along-h", "along-w"), "host-function": ("table",)}, [FUSE], {setting: [own]})
    for text, cycles in {"default": 10, "conv1d=along-h": 9, "conv1d=along-w": 8, "host-function=table": 11}.items():
        report(states, text, text, cycles, {})
    first = {"default", FUSE, "conv1d=along-h", "conv1d=along-w", "host-function=table", "host-pool=odd"}
    assert set(map(str, states.roots.first())) == first, "one of them is not evaluated"
    report(states, str(Recipe(setting)), "pool", 7, {})
    together = "conv1d=along-w,host-pool=odd"
    assert set(map(str, states.roots.first())) == first | {together, f"{together} | {own}"}
    assert Recipe.parse(together) in states.roots.open(states.best())


def test_every_width_of_the_numbers_gets_what_is_best_for_the_cheapest() -> None:
    widths = [(("precision", one),) for one in ("int16", "int4", "int4@1")]
    states = ProgramGraph({"conv1d": ("along-h",)}, [FUSE], {key: [FUSE] for key in widths})
    cycles = {"default": 9, "conv1d=along-h": 8, "precision=int16": 12, "precision=int4": 5, "precision=int4@1": 7}
    for text, count in cycles.items():
        report(states, text, text, count, {})
    cheapest = "conv1d=along-h,precision=int4"
    report(states, cheapest, cheapest, 4, {})
    others = [f"conv1d=along-h,precision={one} | {FUSE}" for one in ("int16", "int4@1")] + [f"conv1d=along-h | {FUSE}"]
    assert not set(others) & set(map(str, states.roots.first())), "not before it is known what the best start is"
    report(states, f"{cheapest} | {FUSE}", f"{cheapest} fused", 3, {})
    assert set(others) < set(map(str, states.roots.first()))


def test_a_start_is_a_root_that_ways_go_on_from() -> None:
    start = f"{FUSE},{FOLD}"
    states = ProgramGraph({"conv1d": ("along-h",)}, [start])
    assert {str(root) for root in states.roots.first()} == {"default", start, "conv1d=along-h"}
    assert set(map(str, states.frontier())) == {"default", start, "conv1d=along-h", f"conv1d=along-h | {start}"}
    report(states, start, "lowered fused a", 10, {"unbatch": "b"})
    longer = Recipe.parse(f"{start},unbatch")
    assert longer in states.frontier(), "what its own first pass alone comes to need not be evaluated"
    report(states, str(longer), "", None)
    assert longer not in states.frontier(), "it was lost on the program that was expected"


def test_a_start_with_choices_is_tried_with_these_alone() -> None:
    whole, other = f"conv1d=along-h,host-pool=odd | {FOLD}", f"host-pool=any | {FOLD}"
    states = ProgramGraph({"conv1d": ("along-h",), "host-pool": ("odd",)}, [FUSE, whole, other])
    first = [str(root) for root in states.roots.first()]
    assert first == ["default", FUSE, whole, "conv1d=along-h", "host-pool=odd"]
    assert other not in map(str, states.roots.others())
    report(states, "default", "a", 10, {})
    report(states, whole, "b c", 5, {})
    assert whole not in map(str, states.roots.open(states.best()))
    assert [step.value for step in states.roots.steps(Recipe.parse(whole))] == ["along-h", "odd", FOLD]


def test_what_leads_on_is_found_out_later() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 10, {FUSE: "b", FOLD: "c"})
    report(states, FUSE, "a b", 5)
    report(states, FOLD, "a c", 4)
    assert states.frontier() == [] and not states.all_seen(), "of two it is not known where they lead"
    for program, recipe, leads_to in (("c", FOLD, {FUSE: "d"}), ("b", FUSE, {FOLD: "d", "unbatch": "e"})):
        state = states.unexpanded()
        assert state is not None and (state.program, str(state.recipe)) == (program, recipe), "the cheapest first"
        states.expand(state.recipe, Answer(program, state.cycles, successors=leads_to, sites={}))
    assert states.unexpanded() is None
    assert list(map(str, states.frontier())) == [f"{FOLD},{FUSE}", f"{FUSE},unbatch"]


def test_what_was_refused_before_it_was_foretold_is_not_open() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 10)
    report(states, FUSE, "", None)
    states.expand(Recipe(), Answer("a", 10, successors={FUSE: "no program", FOLD: "c"}, sites={}))
    assert list(map(str, states.frontier())) == [FOLD]


def test_ways_that_were_gone_foretell_programs() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 10)
    report(states, f"{FUSE},{FOLD},unbatch", "a a b c", 5)
    assert states.known_program(Recipe.parse(f"{FOLD},unbatch")) == "c", "the first pass changed nothing"
    assert states.known_program(Recipe.parse(f"{FUSE},{FUSE},{FOLD}")) == "b"
    assert states.known_program(Recipe.parse(f"{FOLD},{FUSE}")) == "", "nobody has tried that"
    assert states.known_program(Recipe.parse(f"conv1d=along-h | {FOLD}")) == ""


def test_a_step_between_two_evaluated_programs_teaches_once() -> None:
    states = ProgramGraph({})
    report(states, "default", "a", 100)
    assert report(states, f"{FUSE},{FOLD}", "a b c", 50) == {}, "two passes together say nothing of each"
    assert report(states, FUSE, "a b", 100) == {FUSE: 0.0, FOLD: -0.693}, "now each is between two that are known"
    state = states.unexpanded()
    assert state is not None and state.program == "c"
    assert states.expand(Recipe(), Answer("a", 100, successors={FUSE: "b", "unbatch": "c"}, sites={})) == [
        Edge("unbatch", log(50) - log(100))
    ]


def _path(root: Recipe) -> str:
    """A program for the choices, and one after each pass."""
    choices = str(Recipe(root.choices))
    return " ".join([choices, *(f"{choices}|{number}" for number, _ in enumerate(root.passes))])
