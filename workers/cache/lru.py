"""A cache in memory that drops the least recently used entries."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class LRU(Generic[Found]):
    """An LRU cache of answers by key, limited by the sum of their sizes."""

    def __init__(self, most: int, size: Callable[[Found], int] = lambda _: 1) -> None:
        """Begin empty.

        Args:
            most: size of all answers together, at most.
            size: of an answer, for instance in bytes; each counts as one if it is not given.
        """
        self._most, self._size = most, size
        self._kept: OrderedDict[Hashable, Found] = OrderedDict()
        self._kept_size = 0

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> Found | None:
        """What is kept under the key."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: Hashable, found: Found) -> None:
        """Keep an answer in the place of an earlier one. One that is too large by itself is not kept.

        Args:
            key: says what it is the answer to.
            found: the answer.
        """
        if key in self._kept:
            self._kept_size -= self._size(self._kept.pop(key))
        size = self._size(found)
        if size > self._most:
            return  # to make room for it would cost all others, and it would not be kept either
        self._kept[key] = found
        self._kept_size += size
        while self._kept_size > self._most:
            self._kept_size -= self._size(self._kept.popitem(last=False)[1])

    def find(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What is kept under the key, or else what `find` finds; what that raises is not kept.

        Args:
            key: says what is asked.
            find: finds the answer if none is kept.

        Returns:
            The answer.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = find()
        self.put(key, found)
        return found
