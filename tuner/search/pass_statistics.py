"""What passes have brought so far, to guess what they bring elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from tuner.search.graph.state import Edge

#: What a pass that was never seen at work is hoped to bring: it is tried before those that are known to bring nothing.
HOPED = -0.02
#: So many of the last times count: what a pass brings depends on those before it.
_MEMORY = 4
#: Of a pass whose result was not right.
_WRONG = 1.0


class PassStatistics:
    """Changes of `tuner.search.graph.state.State.value`, which is less where a program is cheaper, averaged for each
    pass."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._seen: dict[str, tuple[int, float]] = {}

    def learn(self, edges: Iterable[Edge]) -> None:
        for edge in edges:
            times, mean = self._seen.get(edge.one, (0, 0.0))
            times = min(times + 1, _MEMORY)
            self._seen[edge.one] = times, mean + (min(edge.change, _WRONG) - mean) / times

    def expected(self, one: str) -> float:
        """The change that a pass, as a recipe writes it, is expected to make."""
        if one not in self._seen:
            return HOPED * (1 + 0.1 * Random(f"{self._seed} {one}").random())
        return self._seen[one][1]

    def pays(self, one: str) -> bool:
        """Whether it was seen to bring something."""
        return one in self._seen and self._seen[one][1] < 0
