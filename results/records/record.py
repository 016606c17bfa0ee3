"""What records have in common: JSON both ways, labels and states, checks of their numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Label = Literal["predicted", "simulated", "measured"]


Status = Literal["ok", "wrong", "refused", "crashed", "timed out"]


RunStatus = Literal["exhausted", "trials", "timeout", "interrupted"]


ExactnessClass = Literal["exact", "requantising", "precision"]


LABELS: tuple[str, ...] = get_args(Label)


STATUSES: tuple[str, ...] = get_args(Status)


RUN_STATUSES: tuple[str, ...] = get_args(RunStatus)


CLASSES: tuple[str, ...] = get_args(ExactnessClass)


def utc_now() -> str:
    """This moment as ISO 8601 text in UTC with microseconds; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(data: object) -> str:
    """The one JSON text of plain data: keys sorted, no spaces, ASCII only."""
    return _canonical.encode(data)


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(record: type) -> TypeAdapter[Any]:
    if record not in _adapters:
        # Imported on first use: a command that only prints its help need not load pydantic.
        from pydantic import TypeAdapter

        _adapters[record] = TypeAdapter(record)
    return _adapters[record]


class Record:
    """The JSON side that all records share."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def to_json(self) -> dict[str, Any]:
        """This record as plain dicts, lists, strings, numbers and None."""
        plain = _adapter(type(self)).dump_python(self, mode="json")
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record that `to_json` gave `data` for.

        Raises:
            ValueError: a field is missing, unknown, of another type, or contradicts another one.
        """
        return cls.from_text(json.dumps(data))

    @classmethod
    def from_text(cls, text: str | bytes) -> Self:
        """The record of a JSON text.

        Raises:
            ValueError: as `from_json`, or the text is no JSON.
        """
        from pydantic import ValidationError

        try:
            record = _adapter(cls).validate_json(text, strict=True)
        except ValidationError as errors:
            first = errors.errors(include_url=False)[0]
            where = ".".join([cls.__name__, *map(str, first["loc"])])
            raise ValueError(f"{where}: {first['msg']}") from None
        assert isinstance(record, cls)
        return record


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    """See that a field of a record has one of the values that it may have.

    Args:
        what: name of the field, for the message.
        value: of the field.
        known: the values that it may have.

    Raises:
        ValueError: it has another one.
    """
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {value!r}")


def whole(what: str, value: int) -> None:
    # 63 bits are what both databases keep.
    """See that a field of a record is a count.

    Args:
        what: name of the field, for the message.
        value: of the field; at least 0, and below 2**63.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{what} must be a non-negative int, not {value!r}")


def finite(what: str, value: float) -> None:
    """See that a field of a record is a finite number that is not negative.

    Args:
        what: name of the field, for the message.
        value: of the field.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{what} must be a finite, non-negative number, not {value!r}")
