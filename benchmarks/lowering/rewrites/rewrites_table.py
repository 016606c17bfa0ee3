"""The table of rewrites: each with its law, and what it does to its minimal programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.lowering.pricing import Bench, Program
from benchmarks.lowering.rewrites.moves import interior_moves
from benchmarks.lowering.rewrites.programs import PROGRAMS, Minimal
from benchmarks.lowering.rewrites.rewrites import REWRITES
from benchmarks.markdown import change, row
from search_space.recipe import registry


def rewrites_table() -> Iterator[str]:
    """Lines of Markdown."""
    yield from row("", "rewrite", "from", "pass", "law", header=True)
    for one in REWRITES:
        for at, name in enumerate(one.passes):
            start = (str(one.number), one.title, one.origin) if at == 0 else ("", "", "")
            yield from row(*start, f"`{name}`", registry.passes()[name].law)


def programs_table(benches: Sequence[Bench]) -> Iterator[str]:
    """Lines of Markdown."""
    targets = [
        f"{bench.accelerator}: {what}"
        for bench in benches
        for what in ("inside", "transposes", "stream cycles", "Vela")
    ]
    yield from row("", "program", "what it does", *targets, "recipe", header=True)
    for one in PROGRAMS:
        cells = [cell for bench in benches for cell in _measured(one, bench)]
        yield from row(str(one.rewrite), f"`{one.name}`", one.shows, *cells, f"`{one.recipe}`")


def _measured(one: Minimal, bench: Bench) -> Iterator[str]:
    before = bench.lowered(one.source)
    after = bench.applied(one.recipe, before)
    costs = bench.cost(before), bench.cost(after)
    yield change(_inside(before), _inside(after))
    for name in ("transposes", "stream_cycles", "vela_cycles"):
        yield change(*(getattr(cost, name) for cost in costs))


def _inside(program: Program) -> int:
    return sum(1 for graph in program for _ in interior_moves(graph))
