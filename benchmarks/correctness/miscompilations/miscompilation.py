"""A kind of miscompilation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from search_space.ir.graph import Graph
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

U55, U65, U85 = FAMILIES = ("ethos-u55", "ethos-u65", "ethos-u85")

#: Puts operators into an empty program and gives its results.
Make = Callable[[Program], "int | tuple[int, ...]"]


@dataclass(frozen=True)
class Observed:
    """What a command stream shows without being executed.

    Attributes:
        wrong: that it does not compute the program.
        says: in words, with the numbers of the stream.
    """

    wrong: bool
    says: str


@dataclass(frozen=True)
class Miscompilation:
    """One kind of wrong code from Vela, with programs that show it.

    Attributes:
        name: as in `sliced-matmul`.
        summary: one sentence, as a report would begin.
        affected: version of Vela -> the families on which every one of the programs is compiled wrongly.
        make: the smallest program.
        others: further ones of the same kind, by what they are.
        observe: what shows in the command stream of any of the programs.
        cause: where it happens in Vela's published source.
        effect: what the NPU then computes.
        workaround: how a program can be written instead.
        instead: such a program, with the outputs of `make`.
        unavoidable: families without a workaround.
    """

    name: str
    summary: str
    affected: Mapping[str, tuple[str, ...]]
    make: Make
    observe: Callable[[Compiled], Observed]
    cause: str
    effect: str
    workaround: str
    instead: Make
    others: Mapping[str, Make] = field(default_factory=dict)
    unavoidable: tuple[str, ...] = ()

    @property
    def programs(self) -> dict[str, Graph]:
        """All of them, the smallest first, by what they are."""
        return {name: graph(make) for name, make in ({"": self.make} | dict(self.others)).items()}


def graph(make: Make) -> Graph:
    """The program as a graph."""
    program = Program()
    results = make(program)
    return program.graph(*((results,) if isinstance(results, int) else results))
