"""What is written beside a delegate about the recipe that it was lowered by."""

from __future__ import annotations

import json
from importlib.metadata import version


def recipe_tag(recipe: str, identity: str = "", **more: str) -> bytes:
    """JSON that `velatune verify` reads. identity: empty for a recipe that comes from no store."""
    told = {"velatune": version("velatune"), "recipe": str(recipe), "identity": identity, **more}
    return json.dumps(told, sort_keys=True).encode()
