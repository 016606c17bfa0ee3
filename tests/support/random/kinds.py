"""Kinds of operators that random programs are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from support.random.builder import Builder

Put = Callable[[Builder, int], None]


@dataclass(frozen=True)
class Operator:
    """put: adds the operator on a value, if its bounds allow it. dtypes, rank: of the values that it takes; None for
    any rank."""

    put: Put
    dtypes: tuple[str, ...]
    rank: int | None

    def takes(self, b: Builder, value: int) -> bool:
        return b.type(value).dtype in self.dtypes and self.rank in (None, len(b.shape(value)))


Kind = list[Operator]


def on(*dtypes: str, kind: Kind, rank: int | None = None) -> Callable[[Put], Put]:
    """Registers a function as an operator of a kind."""

    def register(put: Put) -> Put:
        kind.append(Operator(put, dtypes, rank))
        return put

    return register
