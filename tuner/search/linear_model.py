"""A linear model of what each element of a recipe saves, learnt from whole recipes.

`tuner.search.pass_statistics` learns of a pass where only that pass was added. Most recipes that are tried differ by
several elements. A Bayesian linear regression is kept of those. Each element adds its part to a recipe's value. The
effect of an element that was seen a few times only is uncertain. So it is drawn (Thompson sampling), not looked up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

#: Changes are given in parts of the best one so far, at least this much: models differ by far in what there is to gain.
_LEAST_SCALE = 0.01
#: Standard deviations: of what elements bring before anything is known, and of what a recipe comes to beside the sum,
#: which is as much as the best change: many a pass pays only before or after another one.
_PRIOR, _NOISE = 0.4, 1.0
#: What an element is hoped to bring before anything is known.
_HOPED = -0.1
#: So many of the last recipes count.
_MEMORY = 256


@dataclass(frozen=True)
class Guess:
    """What an element brings, less is better.

    Attributes:
        mean: by all that is known.
        drawn: one of the values that it may have.
    """

    mean: float
    drawn: float


@dataclass(frozen=True)
class _Posterior:
    """The distribution of the effects of elements.

    Attributes:
        elements: which is where.
        means: float64, one for each.
        root: a square root of their covariance, its transpose; float64, elements x elements.
    """

    elements: dict[str, int]
    means: NDArray[np.float64]
    root: NDArray[np.float64]


class LinearModel:
    """Learns of recipes one by one; draws what elements bring."""

    def __init__(self) -> None:
        self._recipes: deque[tuple[frozenset[str], float]] = deque(maxlen=_MEMORY)
        self._known: _Posterior | None = None

    def learn(self, elements: Iterable[str], change: float) -> None:
        """Take in what a recipe came to.

        Args:
            elements: its passes, and its choices with their alternatives.
            change: of `tuner.search.graph.state.State.value` against the default's; `inf` if the recipe is not right.
        """
        self._recipes.append((frozenset(elements), change))
        self._known = None

    def draw(self, elements: Sequence[str], random: Random) -> dict[str, Guess]:
        """Guess what elements bring (Thompson sampling).

        Args:
            elements: any, also some that were in no recipe.
            random: what is drawn comes from it.

        Returns:
            A guess for each element.
        """
        if self._known is None or not self._known.elements.keys() >= set(elements):
            self._known = self._posterior(elements)
        means = self._known.means
        drawn = means + self._known.root @ np.array([random.gauss(0, 1) for _ in means])
        places = ((one, self._known.elements[one]) for one in elements)
        return {one: Guess(float(means[at]), float(drawn[at])) for one, at in places}

    def _posterior(self, elements: Sequence[str]) -> _Posterior:
        seen = sorted(frozenset(elements).union(*(of for of, _ in self._recipes)))
        places = {one: at for at, one in enumerate(seen)}
        holds = np.zeros((len(self._recipes), len(seen)))
        for at, (of, _) in enumerate(self._recipes):
            holds[at, [places[one] for one in of]] = 1
        changes = np.array([change for _, change in self._recipes])
        scale = max(_LEAST_SCALE, -changes.min(initial=0.0))
        changes = np.clip(changes / scale, -1, 1)  # what is very bad is no worse than the best is good
        precision = holds.T @ holds / _NOISE**2 + np.eye(len(seen)) / _PRIOR**2
        means = np.linalg.solve(precision, holds.T @ changes / _NOISE**2 + _HOPED / _PRIOR**2)
        return _Posterior(places, means, np.linalg.inv(np.linalg.cholesky(precision)).T)
