"""Best recipes as a file that people check in: JSON in a fixed order, with few lines that change for no reason.

    {"format": 1, "recipes": [{"identity": {...}, "claim": {"recipe": "...", "default": {...}, "best": {...}, ...}}]}

Figures carry their label, and each recipe the versions that it was found with. Such a file is somebody's word. What is
read from it is checked for its form only. It counts as unverified until it was applied here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from results.errors import StoreError
from results.records.best import Best
from results.records.claim import Claim
from results.records.identity import Identity
from results.records.record import Record, canonical_json

FORMAT: Literal[1] = 1
"""Raised when older versions can no longer read what is written."""

MOST_BYTES = 64 * 2**20
"""Of a file: some 20,000 recipes."""

_LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Entry(Record):
    """The best recipe for one identity."""

    identity: Identity
    claim: Claim

    def best(self) -> Best:
        """As a best that is not verified. Raises ValueError if a number is none that a best may have."""
        return self.claim.of(self.identity)


@dataclass(frozen=True)
class _RecipeFile(Record):
    format: Literal[1]
    recipes: tuple[Entry, ...]


def written(bests: Iterable[Best]) -> str:
    """The file's text: of each model, target, quantisation, objective and layout the newest best, in a fixed order."""
    newest: dict[tuple[str, ...], Entry] = {}
    for best in bests:
        entry = Entry(best.identity, Claim.by(best))
        place = _place(entry.identity)
        if place not in newest or newest[place].claim.found < entry.claim.found:
            newest[place] = entry
    content = _RecipeFile(FORMAT, tuple(newest[place] for place in sorted(newest)))
    return json.dumps(content.to_json(), indent=2) + "\n"


def read(content: bytes, origin: str) -> list[Entry]:
    """The entries of a file.

    Args:
        content: the file's bytes, from anywhere.
        origin: how messages name it.

    Returns:
        The entries in the order of the file.

    Raises:
        StoreError: it is no such file, or one entry is wrong; nothing of it should be used then.
    """
    if len(content) > MOST_BYTES:
        raise StoreError(f"{origin} is too large for a file of recipes: more than {MOST_BYTES >> 20} MiB")
    try:
        return list(_checked(_RecipeFile.from_text(content)))
    except ValueError as error:
        text = " ".join(str(error).replace("_RecipeFile", "").lstrip(".: ").split())
        if text.startswith("format:"):
            text = f"its format is not {FORMAT}; a newer velatune wrote it, or something else did"
        raise StoreError(f"{origin} cannot be imported: {text[:300]}") from None


def _place(identity: Identity) -> tuple[str, ...]:
    """What a file holds one recipe for, and the order of the file."""
    target = identity.target
    facts = (target.facts, identity.objective, identity.quantisation)
    return (identity.model_name, target.family, target.name, *map(canonical_json, facts), identity.io_layout)


def _checked(content: _RecipeFile) -> Iterator[Entry]:
    seen = set()
    for at, entry in enumerate(content.recipes):
        where = f"recipes.{at} ({entry.identity.model_name[:60]!a})"
        for text in _texts(entry.to_json()):
            # It will be shown in terminals and kept in databases.
            if not text.isprintable() or len(text) > _LONGEST_TEXT:
                raise ValueError(f"{where} holds a text that is not printable or too long: {text[:30]!a}")
        try:
            entry.best()
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if entry.identity.key in seen:
            raise ValueError(f"{where} is there twice")
        seen.add(entry.identity.key)
        yield entry


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
