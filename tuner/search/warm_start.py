"""Recipes that won on similar models, as further starting points of a search."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.store.store import Store
from search_space.errors import SpaceError
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from tuner.search.studies import Study

#: Recipes that are taken over. Each costs an evaluation, and more of them seldom differ.
_MOST = 2
#: How alike the operators of two models must be, 1 for the same proportions: another depth stays above it.
_ALIKE = 0.95
#: The newest results of a target that are looked at.
_LOOKED_AT = 64
_ATTRIBUTE = "learnt starts"


@dataclass(frozen=True)
class WarmStart:
    """What the store held when a command began.

    Attributes:
        bests: with their operators, the newest first.
        sources: models that the command itself is about. What is found for them under the present toolchain depends on
            which came first. So it is no experience.
    """

    bests: Sequence[Best] = ()
    sources: Collection[str] = ()

    @classmethod
    def of(cls, store: Store, sources: Collection[str]) -> WarmStart:
        """Read the newest bests of a store.

        Args:
            store: only read.
            sources: models that the command itself is about.

        Returns:
            What searches can start from.

        Raises:
            StoreError: the store cannot be read.
        """
        return cls(store.bests.newest(_LOOKED_AT), frozenset(sources))

    def starts_for(self, identity: Identity, default: Evaluation, allowed: Exactness) -> list[str]:
        """Recipes that won on models like this one, for the same target and objective. Those of models of the same
        structure and shapes come first, then of the same structure. Those of the most similar mix of operators by
        default come last.

        Args:
            identity: of the model, lowered.
            default: evaluation of the model's own default lowering, with its operators.
            allowed: the least exact class of recipes.

        Returns:
            At most two recipes.
        """
        own = _mix(default)
        ranked: list[tuple[tuple[bool, bool, float], str]] = []
        for best in self.bests:
            other = best.identity
            alike = _likeness(own, _mix(best.default))
            same_structure = _has(identity, other, "operators")
            if not self._counts(best, identity) or not (same_structure or alike >= _ALIKE):
                continue
            if _is_usable(best.recipe, allowed):
                ranked.append(((not _has(identity, other, "shapes"), not same_structure, -alike), best.recipe))
        ranked.sort(key=lambda one: one[0])  # of equals the newest stays first
        return list(dict.fromkeys(recipe for _, recipe in ranked))[:_MOST]

    def _counts(self, best: Best, identity: Identity) -> bool:
        other = best.identity
        own_run = other.model_name in self.sources and other.versions == identity.versions
        same = (other.target, other.objective, other.io_layout) == (
            identity.target, identity.objective, identity.io_layout,
        )  # fmt: skip
        return same and not own_run and other.key != identity.key and best.best.verified


def recorded_starts(study: Study, find: Callable[[], list[str]]) -> list[str]:
    """The starts that a study began with. They are found when it is new, and kept with it. So a run that was killed
    resumes from the same ones, whatever the store has learned since.

    Args:
        study: of the search.
        find: finds them; called only for a study without results.

    Returns:
        Recipes.
    """
    known = study.recorded(_ATTRIBUTE, lambda: json.dumps(find()))
    return [str(one) for one in json.loads(known)] if known else []


def _has(one: Identity, other: Identity, level: str) -> bool:
    if one.structure is None or other.structure is None:
        return False
    return bool(getattr(one.structure, level) == getattr(other.structure, level))


def _is_usable(recipe: str, allowed: Exactness) -> bool:
    """Whether it can be read, changes something, and is as exact as is asked for."""
    try:
        parsed = Recipe.parse(recipe)
    except SpaceError:  # it names what came with an extension that is gone
        return False
    return bool(parsed.passes) and parsed.exactness <= allowed


def _mix(evaluation: Evaluation) -> Counter[str]:
    return Counter(row.source_op for row in evaluation.operators)


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """Cosine of the angle between two mixes of operators; 0 where one has none."""
    lengths = math.sqrt(_squares(one.values()) * _squares(other.values()))
    return sum(count * other[kind] for kind, count in one.items()) / lengths if lengths else 0.0


def _squares(counts: Iterable[int]) -> int:
    return sum(count * count for count in counts)
