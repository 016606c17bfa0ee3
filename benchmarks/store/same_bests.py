"""Whether two stores have the same bests.

Default and best must cost the same for each model and target.

    python -m benchmarks.store.same_bests before.sqlite after.sqlite --renamed renamed.json

Tune the same models before and after a change of velatune. Trials and seed are the same, the stores are not. A store of
another schema cannot be read. What `velatune tune --json` printed at that commit, saved as a `.json` file, takes its
place. The same command prints it again without a new search.

Of several bests of a model and target under the same objective, quantisation and layout, the newest counts. A `.json`
file says these in its own version's way. Against one, it is the newest of a model and target. A recipe that differs at
the same cost is named and no difference. `--renamed` names a file with a JSON object. It maps names of passes and
choices in the first store to those in the second. Ends with status 1 where a cost differs or a best is missing.
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
from results.records.record import canonical_json
from results.store.store import Store

#: The end of an element's name in a recipe.
_NAME = re.compile(r"(?<![\w-])([a-z][\w-]*)(?=[{@=,|]|\s|$)")

_MISSING = "missing"


@dataclass(frozen=True)
class Found:
    """The best of one model on one target.

    Attributes:
        series: facts of the board, objective, quantisation and layout; empty where another version described them.
        default, best: cycles that the search minimised (predicted).
    """

    model: str
    target: str
    series: tuple[str, ...]
    recipe: str
    default: int
    best: int

    @classmethod
    def of(cls, best: Best) -> Found:
        """Of a best in a store."""
        identity = best.identity
        facts = (identity.target.facts, identity.quantisation, identity.objective)
        series = (*map(canonical_json, facts), identity.io_layout)
        default, tuned = figures_of(best)
        return cls(identity.model_name, identity.target.name, series, best.recipe, default.cycles, tuned.cycles)


@dataclass(frozen=True)
class Compared:
    """The bests of one model and target on two sides; None where a side has none.

    Attributes:
        renamed: the first one's recipe with today's names.
    """

    before: Found | None
    after: Found | None
    renamed: str

    @property
    def costs_the_same(self) -> bool:
        """Whether both stores have it, and default and best cost the same in both."""
        if self.before is None or self.after is None:
            return False
        return (self.before.default, self.before.best) == (self.after.default, self.after.best)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.before is None or self.after is None:
            return f"{_MISSING} {'before' if self.before is None else 'after'}"
        if not self.costs_the_same:
            return "differs"
        return "same" if self.renamed == self.after.recipe else "same cost, other recipe"


def compared(before: Iterable[Found], after: Iterable[Found], renamed: Mapping[str, str]) -> list[Compared]:
    """Pair the bests of two sides.

    Args:
        before: bests of the first side, the newest first.
        after: the same of the second side.
        renamed: name of a pass or choice on the first side -> its name on the second one.

    Returns:
        One comparison for each model and target of either side, by name. It is one for each series too, where both
        sides have them.
    """
    both = [list(before), list(after)]
    by_series = all(one.series for side in both for one in side)
    first, second = (_newest(side, by_series) for side in both)
    found = []
    for key in sorted(first.keys() | second.keys()):
        one = first.get(key)
        found.append(Compared(one, second.get(key), rename(one.recipe, renamed) if one is not None else ""))
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
        first, second = one.before or some, one.after or some
        costs = (change(first.default, second.default), change(first.best, second.best))
        yield from row(some.model, some.target, *costs, one.verdict)


def found_in(where: str) -> list[Found]:
    """The bests of a store or of a saved `velatune tune --json`, the newest first.

    Raises:
        click.ClickException: it cannot be read, or holds something else.
    """
    if where.endswith(".json"):
        return _printed_in(Path(where))
    try:
        with Store.open(where, read_only=True) as store:
            return [Found.of(best) for best in store.bests.all()]
    except StoreError as error:
        raise click.ClickException(str(error)) from error


def _printed_in(path: Path) -> list[Found]:
    try:
        printed = [one for one in json.loads(path.read_text()) if one["status"] != "failed"]
        return [
            Found(one["model"], one["target"], (), one["recipe"], one["default"]["cycles"], one["best"]["cycles"])
            for one in printed
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{path}: not what `velatune tune --json` prints ({error!r})") from error


def _newest(bests: Iterable[Found], by_series: bool) -> dict[tuple[str, ...], Found]:
    newest: dict[tuple[str, ...], Found] = {}
    for best in bests:
        newest.setdefault((best.model, best.target, *(best.series if by_series else ())), best)
    return newest


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
    found = compared(found_in(before), found_in(after), names)
    if not found:
        raise click.ClickException("neither side has a best; tune the same models into both")
    click.echo("\n".join(table(found)))
    differing = sum(not one.costs_the_same for one in found)
    click.echo(f"\n{len(found) - differing} of {len(found)} cost the same")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
