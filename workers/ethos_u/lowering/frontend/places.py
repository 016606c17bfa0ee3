"""Data that move along each axis apart, by constant places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Places = tuple[np.ndarray, ...]
"""For each axis of a result, the place on the same axis of the operand that each of its elements comes from."""


def places(numbers: np.ndarray, shape: Sequence[int]) -> Places | None:
    """How an operator moves data, if it does so along each axis apart.

    Args:
        numbers: what it gives for the numbers of its operand's elements in order, integers.
        shape: of the operand.

    Returns:
        The places by axis; None if the result has another rank, or what an axis gives depends on another axis.
    """
    if numbers.ndim != len(shape) or numbers.size == 0:
        return None
    found = []
    for axis, coordinates in enumerate(np.unravel_index(numbers, shape)):
        one = np.moveaxis(coordinates, axis, 0).reshape(numbers.shape[axis], -1)
        if (one != one[:, :1]).any():
            return None
        found.append(one[:, 0])
    return tuple(found)


def runs(along: np.ndarray) -> list[tuple[int, int]]:
    """The slices that an axis consists of.

    Args:
        along: places, as of `places`.

    Returns:
        Pairs (start, length), each as long as it can be.
    """
    cuts = [0, *(np.flatnonzero(np.diff(along) != 1) + 1), len(along)]
    return [(int(along[first]), int(after - first)) for first, after in pairwise(cuts)]


def repetitions(along: np.ndarray) -> int:
    """How often each of consecutive places stands in a row, where all do equally often; 1 if not so."""
    times = int(np.argmax(along != along[0])) or len(along)
    if len(along) % times:
        return 1
    return times if np.array_equal(along, along[0] + np.arange(len(along)) // times) else 1


def step(along: np.ndarray) -> int:
    """The distance of the places, where all are equally far apart and ascend; 1 if not so."""
    steps = set(np.diff(along).tolist())
    return steps.pop() if len(steps) == 1 and min(steps) > 1 else 1
