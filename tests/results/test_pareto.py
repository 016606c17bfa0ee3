"""Fronts of cycles against SRAM and against quality: what is on them, and where they are drawn."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.sample_results import best, evaluation, failed, figures

from results.records.evaluation import Evaluation
from results.records.figures import Figures, Quality
from results.reports.pareto import Against, Limits, Pareto, Point, pareto_of
from results.reports.report import ReportExtras, write_report
from results.reports.scatter import Axis
from results.reports.summary import front_table
from results.reports.tune_json import TuneJson, tune_json

Place = tuple[float, float]

few = st.integers(0, 6)
"""So that candidates are often equal in one thing and different in another."""


@st.composite
def searches(draw: st.DrawFn) -> list[Evaluation]:
    """Evaluations with recipes of their own: right ones, unchecked ones, and ones that came to nothing."""
    recipes = draw(st.lists(st.text("abc", min_size=1, max_size=4), unique=True, max_size=12))
    found = []
    for recipe in recipes:
        cost = figures(draw(few), sram_bytes=draw(few), flash_bytes=draw(few))
        right = draw(st.sampled_from([True, True, True, False]))
        quality = Quality(draw(few), 3, 2, shortfall="" if right else "it is worse") if draw(few) else None
        of_it = {"figures": cost, "verified": right, "quality": quality}
        found.append(failed(recipe, "wrong") if draw(few) == 0 else evaluation(recipe, **of_it))
    return found


limits = st.builds(Limits, *[st.none() | few] * 2)


def beats(one: Place, other: Place) -> bool:
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def places(found: list[Evaluation], against: Against) -> dict[str, tuple[Figures, Place]]:
    """Recipe -> what it costs, and cycles with bytes or with lacking decibels."""
    if against == "SRAM":
        return {
            e.recipe: (e.figures, (e.figures.cycles, e.figures.sram_bytes)) for e in found if e.verified and e.figures
        }
    return {e.recipe: (e.figures, (e.figures.cycles, -e.quality.sqnr_db)) for e in found if e.figures and e.quality}


def feasible(figures: Figures, limits: Limits) -> bool:
    return not (
        (limits.sram_bytes is not None and figures.sram_bytes > limits.sram_bytes)
        or (limits.flash_bytes is not None and figures.flash_bytes > limits.flash_bytes)
    )


@pytest.mark.parametrize("against", ["SRAM", "quality"])
@given(found=searches(), limits=limits)
def test_nothing_on_the_front_is_beaten_and_everything_off_it_is(
    against: Against, found: list[Evaluation], limits: Limits
) -> None:
    front = {point.recipe for point in pareto_of(best(), found, limits, against).front}
    right = places(found, against)
    assert front <= right.keys()
    for recipe, (cost, mine) in right.items():
        beaten = any(beats(rival, mine) for other, rival in right.values() if feasible(other, limits))
        equal = [other for other in front if right[other][1] == mine]
        if recipe in front:
            assert feasible(cost, limits) and not beaten and equal == [recipe]
        elif feasible(cost, limits) and not beaten:
            (instead,) = equal
            assert (len(instead), instead) < (len(recipe), recipe)


@pytest.mark.parametrize("against", ["SRAM", "quality"])
@given(found=searches(), limits=limits)
def test_every_right_candidate_is_in_one_place(against: Against, found: list[Evaluation], limits: Limits) -> None:
    pareto = pareto_of(best(), found, limits, against)
    shown = [point.recipe for point in (*pareto.front, *pareto.others, *pareto.beyond)]
    assert sorted(shown) == sorted(places(found, against))
    assert not any(feasible(point.figures, limits) for point in pareto.beyond)


@pytest.mark.parametrize("against", ["SRAM", "quality"])
@given(found=searches(), limits=limits, random=st.randoms())
def test_the_front_is_a_falling_line_whatever_the_order(
    against: Against, found: list[Evaluation], limits: Limits, random: Random
) -> None:
    front = pareto_of(best(), found, limits, against).front
    for one, following in pairwise(point.place(against) for point in front):
        assert one[0] < following[0]
        assert one[1] > following[1]
    random.shuffle(found)
    assert pareto_of(best(), found, limits, against).front == front


def test_what_was_measured_does_not_stand_beside_what_was_predicted() -> None:
    measured = evaluation("x", figures=figures(1, label="measured"))
    assert pareto_of(best(), [measured], Limits()) == Pareto((), (), ())


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=9))
def test_an_axis_has_room_for_all_and_round_ticks(values: list[int]) -> None:
    axis = Axis.over(values)
    assert all(0 < axis.percent(value) < 100 for value in values)
    assert all(0 <= axis.percent(tick) <= 100 for tick in axis.ticks)
    assert 1 <= len(axis.ticks) <= 5
    steps = {following - tick for tick, following in pairwise(axis.ticks)}
    assert len(steps) <= 1 and all(re.fullmatch("[125]0*", str(step)) for step in steps)


CANDIDATES = [
    evaluation("default", figures=figures(100, sram_bytes=5000)),
    evaluation("fuse-transposes", figures=figures(60, sram_bytes=5200)),
    evaluation("select-transposes", figures=figures(50, sram_bytes=9000)),
    evaluation("conv1d=wrap-h | select-transposes", figures=figures(90, sram_bytes=4000)),
    evaluation("fold-constants", figures=figures(70, sram_bytes=4000, flash_bytes=90000)),
]
BEST = best(default=CANDIDATES[0], best=CANDIDATES[1])
PARETO = pareto_of(BEST, CANDIDATES, Limits(flash_bytes=40000))


def test_the_points_in_json_and_text() -> None:
    document = json.loads(json.dumps(tune_json(BEST, [PARETO])))
    assert TuneJson.model_validate(document, strict=True).model_dump(exclude_unset=True) == document
    assert [(point["cycles"], point["sram_bytes"]) for point in document["pareto"]] == [
        (50, 9000),
        (60, 5200),
        (90, 4000),
    ]
    assert document["pareto"][0] == {
        "recipe": "select-transposes", "label": "predicted", "cycles": 50, "sram_bytes": 9000,
        "flash_bytes": 40000,
    }  # fmt: skip
    lines = [" ".join(line.split()) for line in front_table(BEST, PARETO).splitlines()]
    assert lines[0] == "nets/keyword.py:build on ethos-u55-128: cycles against SRAM (predicted)"
    assert lines[2] == "| cycles | SRAM bytes | flash bytes | recipe |"
    assert lines[-1] == r"| 90 | 4,000 | 40,000 | conv1d=wrap-h \| select-transposes |"


def test_the_page_draws_every_candidate_once(tmp_path: Path) -> None:
    page = write_report(BEST, tmp_path / "page.html", ReportExtras(fronts=[PARETO])).read_text()
    plot = page[page.index('<figure class="plot">') : page.index("</figure>")]
    kinds = re.findall(r'<circle class="([\w-]+)"', plot)
    assert sorted(kinds) == ["beyond", "on-front", "on-front", "on-front", "other"]
    assert plot.count('class="mark"') == 2, "the default and the best"
    assert plot.count('class="front"') == 4, "two steps"
    assert "cycles, predicted" in plot and "SRAM, bytes, predicted" in plot
    places = [float(place) for place in re.findall(r'\b(?:c?[xy][12]?)="(-?[\d.]+)%"', plot)]
    assert len(places) > 20 and all(0 <= place <= 100 for place in places)
    table = page[page.index("</figure>") : page.index("<h2>Recipe")]
    assert re.findall(r'<td class="n">([\d,]+)</td>', table)[::3] == ["50", "60", "90"]
    assert "--max-sram</span> sets another limit" in table, "50 cycles are fewer than the best's"


def measured(recipe: str, cycles: int, sqnr_db: float) -> Evaluation:
    short = "it is too far below" if sqnr_db < 29 else ""
    quality = Quality(sqnr_db, 30.0, 16, shortfall=short)
    return evaluation(recipe, figures=figures(cycles), exactness="precision", verified=not short, quality=quality)


def test_the_front_against_quality_also_has_what_may_not_be_offered(tmp_path: Path) -> None:
    default = evaluation("default", figures=figures(100), quality=Quality(30.0, 30.0, 16))
    candidates = [
        default, measured("precision=int4", 40, 12.5), measured("precision=int4@1", 80, 29.75),
        measured("precision=int4@2", 90, 20.0), measured("precision=int16", 150, 36.0),
    ]  # fmt: skip
    found = best(default=default, best=candidates[2])
    pareto = pareto_of(found, candidates, Limits(), "quality")
    document = json.loads(json.dumps(tune_json(found, [pareto])))
    assert TuneJson.model_validate(document, strict=True).model_dump(exclude_unset=True) == document
    assert "pareto" not in document
    assert [(one["cycles"], one["sqnr_db"], one["within_limit"]) for one in document["pareto_quality"]] == [
        (40, 12.5, False),
        (80, 29.75, True),
        (100, 30.0, True),
        (150, 36.0, True),
    ]
    lines = [" ".join(line.split()) for line in front_table(found, pareto).splitlines()]
    assert lines[0] == "nets/keyword.py:build on ethos-u55-128: cycles against quality (predicted)"
    assert lines[2] == "| cycles | SRAM bytes | flash bytes | SQNR dB | within the limit | recipe |"
    assert lines[4].startswith("| 40 |") and lines[4].endswith("| 12.50 | no | precision=int4 |")
    page = write_report(found, tmp_path / "page.html", ReportExtras(fronts=[pareto])).read_text()
    plot = page[page.index('<figure class="plot">') : page.index("</figure>")]
    assert sorted(re.findall(r'<circle class="([\w-]+)"', plot)) == [*["on-front"] * 4, "other"]
    assert "dB, simulated" in plot and "SRAM" not in plot


def test_a_page_without_a_front_has_no_plot(tmp_path: Path) -> None:
    assert "Cycles against SRAM" not in write_report(BEST, tmp_path / "page.html", ReportExtras()).read_text()


def test_recipes_on_the_front_are_text(tmp_path: Path) -> None:
    hostile = Point("<script>alert(1)</script>", figures(1))
    page = write_report(BEST, tmp_path / "page.html", ReportExtras(fronts=[Pareto((hostile,), (), ())])).read_text()
    assert page.count("<script>") == 1 and "&lt;script&gt;" in page


def test_what_was_not_executed_is_on_no_front() -> None:
    default = evaluation("default", figures=figures(100), quality=Quality(30.0, 30.0, 16))
    unexecuted = [
        replace(one, verified=False, check={"executed": False})
        for one in (measured("precision=int4", 40, 12.5), measured("precision=int4@1", 80, 29.75))
    ]
    assert all(one.is_unexecuted for one in unexecuted)
    for against in ("SRAM", "quality"):
        pareto = pareto_of(best(default=default, best=default), [default, *unexecuted], Limits(), against)
        assert [point.recipe for point in pareto.front] == ["default"]
