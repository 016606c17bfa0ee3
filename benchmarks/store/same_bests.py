"""Whether two stores have the same bests: for each model and target, do default and best cost the same?

    python -m benchmarks.store.same_bests before.sqlite after.sqlite --renamed renamed.json

Tune the same models before and after a change of velatune, with the same trials and seed, each into a store of its own.
Of several bests of a model and target under the same objective, quantisation and layout, the newest counts. A recipe
that differs at the same cost is named and no difference. `--renamed` names a file with a JSON object: name of a pass or
choice in the first store -> its name in the second one. Ends with status 1 where a cost differs or a best is missing.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.markdown import change, row
from results.errors import StoreError
from results.records.best import Best
from results.records.compare import figures_of
from results.records.identity import Identity
from results.records.record import canonical_json
from results.store.store import Store

#: The end of an element's name in a recipe.
_NAME = re.compile(r"(?<![\w-])([a-z][\w-]*)(?=[{@=,|]|\s|$)")

_MISSING = "missing"


@dataclass(frozen=True)
class Compared:
    """The bests of one model and target in two stores; None where a store has none. renamed: the first one's recipe
    with today's names."""

    before: Best | None
    after: Best | None
    renamed: str

    @property
    def costs_the_same(self) -> bool:
        """Whether both stores have it, and default and best cost the same in both."""
        return self.before is not None and self.after is not None and _costs(self.before) == _costs(self.after)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.before is None or self.after is None:
            return f"{_MISSING} {'before' if self.before is None else 'after'}"
        if not self.costs_the_same:
            return "differs"
        return "same" if self.renamed == self.after.recipe else "same cost, other recipe"


def compared(before: Iterable[Best], after: Iterable[Best], renamed: Mapping[str, str]) -> list[Compared]:
    """Pair the bests of two stores.

    Args:
        before: bests of the first store, of one identity after another the newest first.
        after: the same of the second store.
        renamed: name of a pass or choice in the first store -> its name in the second one.

    Returns:
        One comparison for each model and target of either store, by name.
    """
    sides = [_newest(before), _newest(after)]
    found = []
    for key in sorted(sides[0].keys() | sides[1].keys()):
        one, other = (side.get(key) for side in sides)
        found.append(Compared(one, other, rename(one.recipe, renamed) if one is not None else ""))
    return found


def rename(recipe: str, renamed: Mapping[str, str]) -> str:
    """A recipe with other names of elements; options and sites stay as they are."""
    outside = re.split(r"(\{[^}]*\})", recipe)
    return "".join(
        part if part.startswith("{") else _NAME.sub(lambda name: renamed.get(name[1], name[1]), part)
        for part in outside
    )


def table(found: Iterable[Compared]) -> Iterator[str]:
    """Lines of Markdown. Cycles are those that the searches minimised (predicted)."""
    yield from row("model", "target", "default, predicted", "best, predicted", "verdict", header=True)
    for one in found:
        some = one.after or one.before
        assert some is not None
        default, best = zip(*(_costs(side) for side in (one.before or some, one.after or some)), strict=True)
        identity = some.identity
        yield from row(identity.model_name, identity.target.name, change(*default), change(*best), one.verdict)


def _newest(bests: Iterable[Best]) -> dict[tuple[str, ...], Best]:
    newest: dict[tuple[str, ...], Best] = {}
    for best in bests:
        newest.setdefault(_series(best.identity), best)
    return newest


def _series(identity: Identity) -> tuple[str, ...]:
    facts = (identity.target.facts, identity.quantisation, identity.objective)
    return identity.model_name, identity.target.name, *map(canonical_json, facts), identity.io_layout


def _costs(best: Best) -> tuple[int, int]:
    default, tuned = figures_of(best)
    return default.cycles, tuned.cycles


def _bests_in(where: str) -> list[Best]:
    with Store.open(where, read_only=True) as store:
        return store.bests.all()


def _renamed_in(path: Path) -> dict[str, str]:
    try:
        renamed = json.loads(path.read_text())
    except ValueError as error:
        raise click.ClickException(f"{path}: not JSON ({error}); write an object of old name -> new name") from error
    if not isinstance(renamed, dict) or not all(isinstance(name, str) for name in renamed.values()):
        raise click.ClickException(f"{path}: write a JSON object of old name -> new name")
    return renamed


@click.command(help=__doc__)
@click.argument("before")
@click.argument("after")
@click.option("--renamed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(before: str, after: str, renamed: Path | None) -> None:
    names = _renamed_in(renamed) if renamed is not None else {}
    try:
        one, other = _bests_in(before), _bests_in(after)
    except StoreError as error:
        raise click.ClickException(str(error)) from error
    found = compared(one, other, names)
    if not found:
        raise click.ClickException("neither store has a best; tune the same models into both")
    click.echo("\n".join(table(found)))
    differing = sum(not one.costs_the_same for one in found)
    click.echo(f"\n{len(found) - differing} of {len(found)} cost the same")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
