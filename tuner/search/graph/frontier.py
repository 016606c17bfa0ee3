"""Programs that are known of and not evaluated, by the pass that leads to them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Way:
    """From an evaluated program to one that is known of.

    Attributes:
        value: of the evaluated one, see `tuner.search.graph.state.State.value`; the less the better.
        number: when it was found.
    """

    value: float
    number: int
    program: str = field(compare=False)
    to: str = field(compare=False)


class Frontier:
    """It is updated with each evaluation, so the time to ask it does not grow with their number."""

    def __init__(self) -> None:
        self._by_pass: dict[str, list[Way]] = {}
        self._towards: dict[str, list[tuple[str, str]]] = {}  # of what is open: from which program by which pass
        self._closed: set[str] = set()
        self._found = 0

    def close(self, program: str) -> list[tuple[str, str]]:
        """A program was evaluated, for the first time or again. Returns the ways that led to it while it was open, as
        pairs (program, pass)."""
        self._closed.add(program)
        return self._towards.pop(program, [])

    def open(self, program: str, value: float, successors: Mapping[str, str]) -> None:
        """Remember what an evaluated program leads to; programs that were evaluated are left out.

        Args:
            program: hash of the evaluated one.
            value: of it, see `tuner.search.graph.state.State.value`.
            successors: hashes of the programs it leads to, by pass.
        """
        for one, to in successors.items():
            if to not in self._closed:
                self._found += 1
                insort(self._by_pass.setdefault(one, []), Way(value, self._found, program, to))
                self._towards.setdefault(to, []).append((program, one))

    def __len__(self) -> int:
        """How many programs are open."""
        return len(self._towards)

    def best_by_pass(self, but: Collection[str]) -> Iterator[tuple[str, Way]]:
        """For each pass, the way to an open program from the best evaluated one that has any. Ways to the programs of
        `but` are left out."""
        for one in list(self._by_pass):
            ways = self._by_pass[one]
            while ways and ways[0].to in self._closed:
                del ways[0]
            if not ways:
                del self._by_pass[one]
                continue
            found = next((way for way in ways if way.to not in but and way.to not in self._closed), None)
            if found is not None:
                yield one, found
