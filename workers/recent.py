"""What was found out lately, in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Recent(Generic[Found]):
    """Answers by key, the `most` that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Found] = OrderedDict()

    def get(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What is kept under the key, or else what `find` finds; what that raises is not kept."""
        if key not in self._kept:
            self._kept[key] = find()
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]
