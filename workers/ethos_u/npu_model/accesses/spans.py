"""Sets of bytes as sorted, disjoint spans that do not touch.

They are int64 arrays `[spans, 2]` of first byte and end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

#: No bytes at all.
NOTHING = np.empty((0, 2), np.int64)


def rows(base: int | np.ndarray, dimensions: Iterable[tuple[int, int]], length_bytes: int) -> np.ndarray:
    """The bytes of rows at regular distances.

    Args:
        base: address of the first row; an array `[n]` for the same rows at several places.
        dimensions: how often the rows are repeated at which distance in bytes, which may be negative or zero.
        length_bytes: of one row.

    Returns:
        Spans, `[n, 2]` int64: first byte and end of each, in order, apart from each other.
    """
    strides: list[tuple[int, int]] = []
    for count, stride in dimensions:
        if stride < 0:
            base, stride = base + stride * (count - 1), -stride
        if count > 1 and stride:
            strides.append((stride, count))
    bases = np.atleast_1d(base)
    if len(bases) > 1:
        bases = np.unique(bases)
        distances = np.diff(bases)
        if len(bases) > 1 and (distances == distances[0]).all():
            strides.append((int(distances[0]), len(bases)))
            bases = bases[:1]
    apart: list[tuple[int, int]] = []
    for stride, count in sorted(strides):
        if not apart and stride <= length_bytes:
            length_bytes += stride * (count - 1)
        else:
            apart.append((stride, count))
    if not apart and len(bases) == 1:
        return np.array([[bases[0], bases[0] + length_bytes]])
    starts = bases
    for stride, count in reversed(apart):
        starts = (starts[:, None] + np.arange(0, stride * count, stride)).ravel()
    return merged(np.stack((starts, starts + length_bytes), 1))


def merged(spans: np.ndarray) -> np.ndarray:
    """The bytes of spans in any order that may overlap."""
    if len(spans) < 2:
        return spans
    if not (spans[1:, 0] >= spans[:-1, 0]).all():
        spans = spans[np.argsort(spans[:, 0], kind="stable")]
    starts, ends = spans[:, 0], np.maximum.accumulate(spans[:, 1])
    first = np.concatenate(([True], starts[1:] > ends[:-1]))
    if first.all():
        return spans
    return np.stack((starts[first], ends[np.concatenate((first[1:], [True]))]), 1)


def union(sets: Sequence[np.ndarray]) -> np.ndarray:
    """The bytes that are in any of the sets."""
    if len(sets) == 1:
        return sets[0]
    return merged(np.concatenate(sets)) if sets else NOTHING


def size(spans: np.ndarray) -> int:
    """How many bytes there are."""
    return int((spans[:, 1] - spans[:, 0]).sum())


def common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The bytes that are in both.

    Args:
        first: spans, `[n, 2]`.
        second: spans, `[m, 2]`.

    Returns:
        Spans of the bytes that are in both.
    """
    if not len(first) or not len(second) or first[-1, 1] <= second[0, 0] or second[-1, 1] <= first[0, 0]:
        return NOTHING
    # Of each span of the first: which spans of the second it meets.
    low = np.searchsorted(second[:, 1], first[:, 0], side="right")
    high = np.searchsorted(second[:, 0], first[:, 1], side="left")
    counts = high - low
    mine = np.repeat(np.arange(len(first)), counts)
    others = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts) + low[mine]
    starts = np.maximum(first[mine, 0], second[others, 0])
    return np.stack((starts, np.minimum(first[mine, 1], second[others, 1])), 1)


def without(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The bytes of the first that are not in the second.

    Args:
        first: spans, `[n, 2]`.
        second: spans, `[m, 2]`.

    Returns:
        Spans of the bytes of the first that are not in the second.
    """
    if not len(first) or not len(second) or first[-1, 1] <= second[0, 0] or second[-1, 1] <= first[0, 0]:
        return first
    low, high = first[0, 0], first[-1, 1]
    gaps = np.stack((np.append(low, second[:, 1]), np.append(second[:, 0], high)), 1)
    return common(first, gaps[gaps[:, 0] < gaps[:, 1]])
