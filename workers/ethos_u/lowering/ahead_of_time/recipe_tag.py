"""What is written beside a delegate about the recipe that it was lowered by."""

from __future__ import annotations

import json
from importlib.metadata import version


class StoredRecipe(str):
    """The text of a recipe that a results store has; as text it is like any other.

    Attributes:
        identity: key of the model, target, toolchain and objective that it was found for.
    """

    identity: str

    def __new__(cls, text: str, identity: str) -> StoredRecipe:
        made = super().__new__(cls, text)
        made.identity = identity
        return made

    def __reduce__(self) -> tuple[type[StoredRecipe], tuple[str, str]]:
        return StoredRecipe, (str(self), self.identity)


def recipe_tag(recipe: str, identity: str = "", **more: str) -> bytes:
    """JSON that `velatune verify` reads. identity: empty for a recipe that comes from no store."""
    told = {"velatune": version("velatune"), "recipe": str(recipe), "identity": identity, **more}
    return json.dumps(told, sort_keys=True).encode()
