"""Kinds of operators that random programs are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from velatune.testing.random.builder import Builder

Put = Callable[[Builder, int], object]


@dataclass(frozen=True)
class Operator:
    """One or more operators that a random program may get.

    Attributes:
        put: adds them on a value of the program, if the value's bounds allow it.
        dtypes: element types of the values that it takes.
        rank: of the values that it takes; None for any.
    """

    put: Put
    dtypes: tuple[str, ...]
    rank: int | None

    def takes(self, b: Builder, value: int) -> bool:
        """Whether it may be added to a value.

        Args:
            b: the program.
            value: id of the value.

        Returns:
            True if it may.
        """
        return b.type(value).dtype in self.dtypes and self.rank in (None, len(b.shape(value)))


Kind = list[Operator]


def on(*dtypes: str, kind: Kind, rank: int | None = None) -> Callable[[Put], Put]:
    """Register a function `put(builder, value)` as an operator of a kind.

    Args:
        *dtypes: element types of the values that it takes.
        kind: the list that the operator is appended to.
        rank: of the values that it takes; a value of another rank is reshaped. None for any.

    Returns:
        The decorator.
    """

    def register(put: Put) -> Put:
        kind.append(Operator(put, dtypes, rank))
        return put

    return register
