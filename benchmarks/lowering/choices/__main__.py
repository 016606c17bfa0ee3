"""Writes docs/choices.md: `python -m benchmarks.lowering.choices` (`make choices`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import click

import benchmarks.lowering.choices
from benchmarks.lowering.choices.minimal import Minimal
from benchmarks.lowering.pricing import Bench
from benchmarks.markdown import change, row
from search_space.recipe import registry
from search_space.recipe.recipe import Recipe

TARGETS = ("ethos-u55-128", "ethos-u55-256", "ethos-u85-256")
_DOCUMENT = Path(__file__).parents[3] / "docs" / "choices.md"

_HEAD = """# Lowering choices

Written by `make choices`; do not edit. A lowering choice decides how an operation is expressed. *exact*: outputs equal
the default lowering's bit for bit, which the reference model checks for every candidate. *requantising*: they need not,
and it is tried only where the user allows it (exactness.md). Choices are part of recipes like passes. With
`@profitable` or `@profitable-by-both` a choice is taken only where the changed part is cheaper by itself. The first
goes by stream cycles, the second by both estimates.

"""

_PROGRAMS = """
## Minimal programs

Small PyTorch programs (`benchmarks/lowering/choices/`) as stock ExecuTorch 1.5.1 lowers them. Then comes a recipe with
the choice and the few passes that it needs, at all sites. A choice that loses on one target is for the other. Some pay
by one estimate only, and some only for what they open to other passes. `host-` choices are taken inside ExecuTorch.
What they save on the CPU is not in these columns. *Commands* says whether the NPU is given other commands. All numbers
are predicted.

"""


def programs() -> list[Minimal]:
    """All of them, by choice."""
    found: list[Minimal] = []
    package = benchmarks.lowering.choices
    for file in walk_packages(package.__path__, f"{package.__name__}."):
        if not file.name.endswith(".__main__"):
            found += getattr(import_module(file.name), "PROGRAMS", [])
    return sorted(found, key=lambda one: one.choice)


def choices_table() -> Iterator[str]:
    """Lines of Markdown: each choice with its class and law."""
    yield from row("choice", "class", "law", "options", header=True)
    for name, kind in registry.passes().items():
        if kind.__module__.startswith("search_space.choices."):
            options = ", ".join(f"`{option.name}`" for option in kind.options())
            yield from row(f"`{name}`", str(kind.exactness), kind.law, options)
    for name, choice in registry.choices().items():
        for alternative, law in choice.alternatives.items():
            yield from row(f"`{name}={alternative}`", str(choice.exactness(alternative)), law, "")


def programs_table(benches: Sequence[Bench]) -> Iterator[str]:
    """Lines of Markdown."""
    what = ("stream cycles", "Vela", "commands")
    yield from row(
        "choice", "what it does", *(f"{b.accelerator}: {one}" for b in benches for one in what), "recipe", header=True
    )
    for one in programs():
        cells = [cell for bench in benches for cell in _measured(one, bench)]
        yield from row(f"`{one.choice}`", one.shows, *cells, f"`{one.recipe}`")


def _measured(one: Minimal, bench: Bench) -> Iterator[str]:
    before = bench.lowered(one.source)
    after = bench.lowered(one.source, Recipe.parse(one.recipe).setting)
    costs = bench.cost(before), bench.cost(bench.applied(one.recipe, after))
    yield change(*(cost.stream_cycles for cost in costs))
    yield change(*(cost.vela_cycles for cost in costs))
    yield "others" if costs[0].command_stream_sha256 != costs[1].command_stream_sha256 else "the same"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=_DOCUMENT)
def choices(out: Path) -> None:
    """Lower the minimal programs, price them before and after, and write the document."""
    lines = [_HEAD, *choices_table(), _PROGRAMS, *programs_table([Bench(accelerator) for accelerator in TARGETS])]
    out.write_text("\n".join(lines) + "\n")
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    choices()
