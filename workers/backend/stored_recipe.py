"""A recipe with the place that it comes from."""

from __future__ import annotations


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
