"""The recipe and identity that a written file holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """A file that was written by a recipe.

    Attributes:
        recipe: the recipe that the file names.
        identity: key of the identity under which its evaluation is stored.
        artifact_sha256: of what the target is given, as `workers.backend.cost.Cost` has them, with how often.
        parts: what the file consists of, for people, such as `2 delegates`.
    """

    recipe: str
    identity: str
    artifact_sha256: Counter[str]
    parts: str
