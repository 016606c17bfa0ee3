"""How a model is refused that ExecuTorch lowers to something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workers.errors import ModelError


def something_else(name: str, why: str) -> ModelError:
    """The error about a model whose lowered program computes something else.

    Args:
        name: of the model, for people.
        why: what goes wrong, and what to write instead.

    Returns:
        The error, to be raised.
    """
    return ModelError(f"{name}: ExecuTorch lowers it to a program that computes something else: {why}")


def causes(faults: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Name the places of faults.

    Args:
        faults: what goes wrong, with `{}` for the places, and the places where it does.

    Returns:
        A text for each fault that has places.
    """
    return [what.format(", ".join(dict.fromkeys(places))) for what, places in faults if places]
