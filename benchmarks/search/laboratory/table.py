"""A recorded space: what it holds, and how it is kept."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from search_space.recipe.recipe import Recipe

FOLDER = Path(__file__).with_name("tables")

#: So many hex digits of a program's hash are kept.
DIGEST = 12

#: Of a pass for some of its sites: their numbers, and how many there are; see `tuner.search.neighbours.Sites`.
Chosen = tuple[tuple[int, ...], int]


@dataclass(frozen=True)
class Program:
    """One state of the space.

    Attributes:
        digest: the first DIGEST hex digits of the program's hash.
        cycles: predicted, what is minimised; None for a program that is wrong or refused.
        violation: by which part it is beyond the default limits.
        sram_bytes: None as cycles.
        after: element -> number of the program that it leads to; elements that change nothing are left out.
        sites: element -> the sites it is for, of elements that are for some.
    """

    digest: str
    cycles: int | None
    violation: float
    sram_bytes: int | None
    after: Mapping[str, int]
    sites: Mapping[str, Chosen]


@dataclass(frozen=True)
class Table:
    """A recorded space of programs.

    Attributes:
        roots: recipe of choices -> number of the program it gives.
        starts: as a real search of this model begins, as far as they are made of the elements.
        versions: of the toolchain and of the search space that made it.
        whole: no element leads out of it; else what would lead out is taken to change nothing.
    """

    model: str
    target: str
    elements: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    starts: tuple[str, ...]
    roots: Mapping[str, int]
    programs: tuple[Program, ...]
    versions: Mapping[str, str]
    whole: bool

    @property
    def name(self) -> str:
        return f"{self.model.rpartition('/')[2]}-{self.target}"

    def number(self, recipe: Recipe) -> int | None:
        """The program that a recipe gives; None if it takes a choice that the space does not have, or extends a wrong
        program. A pass that is no element leads out of the space: it changes nothing.
        """
        number = self.roots.get(str(Recipe(recipe.choices)))
        for one in recipe.passes:
            if number is None or self.programs[number].cycles is None:
                return None
            number = self.programs[number].after.get(str(one), number)
        return number

    @property
    def default_cycles(self) -> int:
        return self.programs[self.roots[str(Recipe())]].cycles or 0

    @property
    def best_cycles(self) -> int:
        """Of all programs that may be offered: proven in the table's space, for all of it is here."""
        return min(one.cycles for one in self.programs if one.cycles is not None and not one.violation)

    @property
    def fingerprint(self) -> str:
        """The hash of its content, DIGEST hex digits."""
        return sha256(self._text()).hexdigest()[:DIGEST]

    def write(self, folder: Path = FOLDER) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json.xz"
        path.write_bytes(lzma.compress(self._text(), preset=9 | lzma.PRESET_EXTREME))
        return path

    def _text(self) -> bytes:
        return json.dumps(_packed(self), separators=(",", ":")).encode()


def read(path: Path) -> Table:
    """A table as `Table.write` wrote it."""
    fields = json.loads(lzma.decompress(path.read_bytes()))
    elements = tuple(fields.pop("elements"))
    columns = fields.pop("columns")
    programs = tuple(
        Program(
            digest,
            cycles,
            violation,
            sram,
            {elements[at]: to for at, to in enumerate(after) if to is not None},
            {elements[at]: (tuple(numbers), count) for at, numbers, count in sites},
        )
        for digest, cycles, violation, sram, after, sites in zip(*columns, strict=True)
    )
    choices = {name: tuple(alternatives) for name, alternatives in fields.pop("choices").items()}
    starts = tuple(fields.pop("starts"))
    return Table(elements=elements, programs=programs, choices=choices, starts=starts, **fields)


def tables(folder: Path = FOLDER) -> list[Table]:
    """All that are recorded, by name."""
    return [read(path) for path in sorted(folder.glob("*.json.xz"))]


def _packed(table: Table) -> dict[str, Any]:
    """Program by program in columns: what repeats stands together."""
    packed = asdict(table)
    places = {element: at for at, element in enumerate(table.elements)}
    packed["columns"] = [
        [one.digest for one in table.programs],
        [one.cycles for one in table.programs],
        [one.violation for one in table.programs],
        [one.sram_bytes for one in table.programs],
        [[one.after.get(element) for element in table.elements] for one in table.programs],
        [[[places[element], *chosen] for element, chosen in one.sites.items()] for one in table.programs],
    ]
    del packed["programs"]
    return packed
