"""A value that many calls need, as a worker fetches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value")
Kept = TypeVar("Kept", covariant=True)


class Shared(Protocol[Kept]):
    """Cheap to pass to a call; the value itself is fetched by `get`."""

    def get(self) -> Kept:
        """The value, in this process."""


@dataclass(frozen=True)
class Enclosed(Generic[Value]):
    """A value that travels with each call: for a process or two on this machine, without Ray."""

    value: Value

    def get(self) -> Value:
        return self.value
