"""What is written beside a delegate about the recipe that it was lowered by."""

from __future__ import annotations

import json
from importlib.metadata import version


def recipe_tag(recipe: str, identity: str = "", **more: str) -> bytes:
    """JSON that `velatune verify` reads.

    Args:
        recipe: text of the recipe.
        identity: key that it is stored under; empty for a recipe that comes from no store.
        more: further fields.

    Returns:
        UTF-8.
    """
    facts = {"velatune": version("velatune"), "recipe": str(recipe), "identity": identity, **more}
    return json.dumps(facts, sort_keys=True).encode()
