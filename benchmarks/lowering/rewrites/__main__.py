"""Writes docs/rewrites.md: `python -m benchmarks.lowering.rewrites` (`make rewrites`)."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.lowering.pricing import Bench
from benchmarks.lowering.rewrites.left_table import cycles_table, left, reasons_table
from benchmarks.lowering.rewrites.rewrites_table import programs_table, rewrites_table
from search_space.recipe.seed_recipes import SEED_RECIPES
from workers.models.suite import MODELS

TARGETS = ("ethos-u55-128", "ethos-u85-256")
_DOCUMENT = Path(__file__).parents[3] / "docs" / "rewrites.md"

_HEAD = """# Rewrites of layouts

Written by `make rewrites`; do not edit. `before → after` is stock ExecuTorch's program, then the same program by a
recipe; one number stands where nothing changed. Stream cycles are what is minimised ([objective](objective.md)). All
numbers are predicted.

## The rewrites

*Seed*: the rewrites of ExecuTorch pull request #18167. *Beyond*: those that it does not have. `sink-transposes`,
`hoist-transposes` and `minimise-transposed-bytes` apply all `through-` rewrites at once. They do so towards the
results, towards the inputs, and to where the fewest bytes are moved. Rewrite 14, inputs and outputs in NHWC, changes
the contract with the caller and is no pass.
"""

_PROGRAMS = """
## Minimal programs

Small PyTorch programs (`benchmarks/lowering/rewrites/programs.py`) on which stock ExecuTorch 1.5.1 leaves a transpose
that need not be there. It has the seed rewrites itself by now. On their simplest programs it leaves nothing, so here
are programs where it still does. *Inside* are movements between two operators. Those of an input or a result, which the
caller wants in NCHW, are not counted. *Transposes* are Vela's, the boundary's and its own included; one movement can be
several of them. `index_select` and `index_copy` are left to the CPU on Ethos-U55: there the program is cut in two.
"""

_LEFT = """
## What is left over the suite

Each model is lowered by the cheapest of the recipes that a search starts from, or by none. Its cycles by Vela are not
above the default's. Passes that change nothing in a model are left out there. So are recipes that lead to the same
program:

{recipes}

In transposes: stream cycles of everything that the NPU runs as one. At the boundary: of movements of an input or a
result of the program. Vela's own: of transposes that are in no program, but are what Vela makes of another operator. As
convolutions: of movements that a recipe writes as convolutions, at the boundary or inside (`transpose-as-conv`). Each
row of their weights has a single one. Copies can be written so as well (`identity-conv-copy`). They are no longer
transposes, neither to Vela nor in the columns before, but they are movements still. Left beyond the boundary:
transposes inside and Vela's own after, of all transposes before. Not taken: the stream cycles of a recipe that is
cheaper, but raises Vela's number. A search tries more of them.

Why a transpose inside stays depends on its neighbours, which cannot take it up. A convolution is put in its place
only where that is cheaper by itself.
"""


@click.command()
@click.argument("models", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), default=_DOCUMENT)
def rewrites(models: tuple[str, ...], out: Path) -> None:
    """Lower the minimal programs and the suite (or MODELS), price them before and after, and write the document."""
    benches = [Bench(accelerator) for accelerator in TARGETS]
    lines = [_HEAD, *rewrites_table(), _PROGRAMS, *programs_table(benches)]
    lines.append(_LEFT.format(recipes="\n".join(f"- `{recipe}`" for recipe in SEED_RECIPES)))
    for bench in benches:
        found = [left(model, bench) for model in models or MODELS]
        lines += [f"\n### {bench.accelerator}\n", *cycles_table(found), ""]
        lines += [f"Transposes left inside, {bench.accelerator}:\n", *reasons_table(found)]
    out.write_text("\n".join(lines) + "\n")
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    rewrites()
