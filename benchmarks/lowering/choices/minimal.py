"""A minimal program of a lowering choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from benchmarks.models.nets import Made, Shape, seeded


@dataclass(frozen=True)
class Minimal:
    """A small program to which a lowering choice applies.

    Attributes:
        choice: its name, as recipes write it.
        source: a model as `velatune tune` takes it.
        shows: what the program does, in PyTorch's words.
        recipe: the choice and the few passes that it needs.
    """

    choice: str
    source: str
    shows: str
    recipe: str


def minimal(
    programs: list[Minimal], choice: str, shows: str, recipe: str, shape: Shape
) -> Callable[[Callable[[], nn.Module]], Callable[[], Made]]:
    """Decorates a function that makes the net; enters it into `programs`."""

    def register(make: Callable[[], nn.Module]) -> Callable[[], Made]:
        programs.append(Minimal(choice, f"{make.__module__}:{make.__name__}", shows, recipe))
        return seeded(make, shape)

    return register
