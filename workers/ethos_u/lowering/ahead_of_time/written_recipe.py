"""What a `.pte` says about the recipe that its delegates were lowered by."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from workers.backend.written import Written
from workers.errors import ModelError
from workers.ethos_u.files.pte import Delegate, read_pte
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import TAG_KEY
from workers.ethos_u.vela.pricing import command_stream_hash


def written(file: Path) -> Written:
    """Read it from all delegates.

    Raises:
        ModelError: it is no `.pte` with command streams, carries no recipe, or a damaged one, or several.
    """
    delegates = read_pte(file)
    tag = _tag(file, delegates[0])
    if any(_tag(file, delegate) != tag for delegate in delegates):
        raise ModelError(f"{file}: its delegates were lowered by different recipes")
    recipe, identity = tag
    hashes = Counter(command_stream_hash(one.command_stream, one.weights) for one in delegates)
    return Written(recipe, identity, hashes, f"{len(delegates)} delegate{'s' if len(delegates) > 1 else ''}")


def _tag(file: Path, delegate: Delegate) -> tuple[str, str]:
    """Recipe, and key of its identity."""
    raw = delegate.compile_specs.get(TAG_KEY)
    if raw is None:
        raise ModelError(f"{file}: it carries no recipe; it was not written by velatune")
    try:
        tag = json.loads(raw)
        return str(tag["recipe"]), str(tag["identity"])
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{file}: the recipe that it carries is damaged") from None
