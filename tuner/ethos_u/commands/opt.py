"""`velatune opt`"""

from __future__ import annotations

from pathlib import Path

import click

from search_space.ir.graph import Graph
from search_space.ir.printer import print_graph
from search_space.ir.target_facts import ANY_TARGET, TargetFacts
from search_space.recipe.idle_elements import why_idle
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.writer import write_tosa
from tuner.commands.options import board_options
from tuner.deploy.board_options import BoardOptions
from tuner.ethos_u.optimise import Step, needs_target, operators, read_program, steps
from tuner.paths import cache_folder
from workers.cache.atomic_write import write_whole
from workers.cache.memo import Memo
from workers.errors import ModelError
from workers.ethos_u.lowering.base_program import toolchain_versions
from workers.ethos_u.target import Target
from workers.ethos_u.vela.facts import VelaFacts


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.TOSA")
@click.option("--recipe", required=True, metavar="TEXT", help="the lowering choices and passes to apply")
@click.option("--print", "printed", is_flag=True, help="print the program's text before and after")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.TOSA", help="write the program")
@click.option("--target", metavar="NPU", help="such as ethos-u55-128; whose costs passes ask for")
@board_options
def opt(
    file: Path, recipe: str, printed: bool, out: Path | None, target: str | None, board: BoardOptions,
) -> None:  # fmt: skip
    """Apply a recipe to a TOSA program and show what it changes.

    For authors of passes. Nothing is compiled or compared with the original program; velatune tune and velatune apply
    do that. A note says which elements of the recipe change nothing.
    """
    wanted = Recipe.parse(recipe)
    by_price = needs_target(wanted)
    if by_price is not None and target is None:
        raise ModelError(f"{by_price} finds its sites by their price; name the target: --target ethos-u55-128")
    device = Target.parse(target, **board.facts) if target is not None else None
    before = read_program(file)
    facts = _facts(device)
    done = list(steps(before, wanted, facts))
    after = done[-1].after if done else before
    for step in done:
        note = why_idle(step.element, [step.before], [step.after], "this program", facts)
        if note is not None:
            click.echo(f"note: {note}", err=True)
    if printed:
        click.echo(f"before\n{print_graph(before)}\nafter\n{print_graph(after)}", nl=False)
    if out is not None:
        write_whole(out, write_tosa(after))
    if not printed:
        for line in _changes(done, before, after):
            click.echo(line)


def _facts(board: Target | None) -> TargetFacts:
    if board is None:
        return ANY_TARGET
    return VelaFacts(board, Memo(cache_folder() / "memo"), toolchain_versions())


def _changes(done: list[Step], before: Graph, after: Graph) -> list[str]:
    """A line for each element that changed something, and one for all of them."""
    lines = []
    for step in done:
        if step.before.hash != step.after.hash:
            written = step.element if not isinstance(step.element, tuple) else "=".join(step.element)
            lines.append(f"{written}: {_difference(step.before, step.after)}")
    return [*lines, f"in all: {_difference(before, after)}"]


def _difference(before: Graph, after: Graph) -> str:
    old, new = operators(before), operators(after)
    kinds = [f"{kind} {old[kind]} -> {new[kind]}" for kind in sorted(old | new) if old[kind] != new[kind]]
    return f"{old.total()} -> {new.total()} operators" + (f" ({', '.join(kinds)})" if kinds else "")
