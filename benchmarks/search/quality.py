"""How good searches are, and how fast they propose: `python -m benchmarks.search.quality`.

On the recorded spaces of the replay laboratory, without any toolchain: see `benchmarks.search.laboratory`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean, median

import click

from benchmarks.markdown import row
from benchmarks.search.laboratory.baselines import BASELINES, makers, read
from benchmarks.search.laboratory.contest import COMPILES, SEEDS, Series, compared, interval, lead, run, to_the_end
from benchmarks.search.laboratory.table import Table, tables
from search_space.recipe.space import tosa_passes
from tuner.search.candidates import Answer, Candidate
from tuner.search.samplers import SamplerName
from tuner.search.search import WINDOW, Search

_NEAR = 0.95


@click.command()
@click.option("--trials", default=5000, show_default=True, help="that a study has when its proposals are timed")
def search(trials: int) -> None:
    """Print, as Markdown, how much of the best gain searches reach, and how long a proposal takes.

    LocalSearch is replayed; the curves of the others are the recorded ones.
    """
    _spaces(tables())
    recorded, baselines = compared(), read()
    if baselines.made_with != makers(recorded):
        raise click.ClickException(
            "the other searches were recorded on other tables, or with another Optuna: make lab-baselines"
        )
    for seeded in (True, False):
        begin = "the default and the starting points" if seeded else "the default alone"
        click.echo(f"\nAll begin with {begin}; {len(SEEDS)} seeds, {COMPILES} distinct compiles.\n")
        found: dict[SamplerName, list[Series]] = {
            "local-search": [run(table, "local-search", seeded) for table in recorded]
        }
        found |= {name: baselines.series(name, seeded, recorded) for name in BASELINES}
        _gains(recorded, found)
        _leads(found)
    click.echo(f"\nProposals after {trials:,} trials: {_proposal_milliseconds(trials):.2f} ms of CPU each (median)")


def _spaces(recorded: Sequence[Table]) -> None:
    _line(
        "space",
        "elements",
        "programs",
        "whole",
        "default cycles",
        "best cycles",
        "exhausted by local-search",
        header=True,
    )
    for table in recorded:
        ended = to_the_end(table)
        said = f"after {ended.programs} compiles, best found: {_yes(ended.gains[-1] == 1)}"
        cycles = f"{table.default_cycles:,}", f"{table.best_cycles:,}"
        _line(table.name, len(table.elements), len(table.programs), _yes(table.whole), *cycles, said)


def _gains(recorded: Sequence[Table], found: dict[SamplerName, list[Series]]) -> None:
    _line("space", *(f"{name}: gain, area" for name in found), f"local-search: compiles to {_NEAR:.0%}", header=True)
    for at, table in enumerate(recorded):
        cells = (
            f"{median(of[at].gains):.1%}, {mean(of[at].areas):.3f} {_between(of[at].areas)}" for of in found.values()
        )
        near = median(curve.compiles_to(_NEAR) for curve in found["local-search"][at].curves)
        _line(table.name, *cells, f"{near:g}")


def _leads(found: dict[SamplerName, list[Series]]) -> None:
    click.echo()
    for name, series in found.items():
        if name == "local-search":
            continue
        for what in ("areas", "gains"):
            ours, theirs = ([getattr(one, what) for one in of] for of in (found["local-search"], series))
            ahead, low, high = lead(ours, theirs)
            click.echo(f"- local-search before {name}, {what}: {ahead:+.4f} (95 % within {low:+.4f} and {high:+.4f})")


def _proposal_milliseconds(trials: int) -> float:
    """On a made-up space without end: programs are sets of passes. A proposal is made when an answer is reported: what
    the search does with that answer is in it."""
    names = [str(one) for one in tosa_passes()][:24]
    study = Search(None, {}, seed=0)
    taken: list[float] = []
    while len(taken) < 10 * WINDOW:
        for candidate in study.ask(WINDOW):
            if study.is_dropped(candidate):
                continue
            answer = _made_up(candidate, names)
            started = time.process_time()
            study.tell(candidate, answer)
            if study.evaluations > trials:
                taken.append(1000 * (time.process_time() - started))
    return median(taken)


def _made_up(candidate: Candidate, names: Sequence[str]) -> Answer:
    recipe = candidate.recipe
    applied = {str(one) for one in recipe.passes} & set(names)

    def program(of: set[str]) -> str:
        return "+".join(sorted(of))

    cycles = 100_000 + sum(_number(a) % 997 - 400 for a in applied) + 7 * len(applied) ** 2
    beginnings = (set(map(str, recipe.passes[:length])) & set(names) for length in range(len(recipe.passes) + 1))
    path = tuple(f"({program(of)})" for of in beginnings)
    answer = Answer(path[-1], cycles, path)
    if not candidate.asks_for_more(answer):
        return answer
    after = {name: program(applied | {name}) for name in names if name not in applied}
    return replace(answer, successors={name: f"({to})" for name, to in after.items()}, sites={})


def _number(text: str) -> int:
    return sum((at + 1) * ord(letter) for at, letter in enumerate(text))


def _between(values: Sequence[float]) -> str:
    return "({:.3f} to {:.3f})".format(*interval(values))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _line(*cells: object, header: bool = False) -> None:
    click.echo("\n".join(row(*map(str, cells), header=header)))


if __name__ == "__main__":
    search()
