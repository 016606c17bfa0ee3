"""Results that are worth remembering, one small JSON file each, shared by all workers of a machine and all runs.

A reader sees a whole entry or none, even if a process dies.
An entry that cannot be read is passed over with a warning and written anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.recent import Recent
from workers.whole_file import write_whole

_log = logging.getLogger(__name__)

#: Of entries that were read or written lately, as they are in their files: what a process asks for, it asks for again.
_KEPT_BYTES = 16 << 20


class Memo:
    """Entries are JSON objects under keys made of plain values; entries with equal keys are interchangeable. They are
    not to be changed by who gets them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: Recent[tuple[dict[str, Any], int]] = Recent(_KEPT_BYTES, size=lambda one: one[1])

    def get(self, **key: Any) -> dict[str, Any] | None:
        """The entry, or None. `key`: JSON-able values that say what the entry is the result of."""
        name = _canonical(key)
        kept = self._kept.get(name)
        if kept is not None:
            return kept[0]
        path = self._path(name)
        try:
            content = path.read_bytes()
            entry = json.loads(content)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("memo entry %s is passed over: %s", path.name, error)
            return None
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, dict) or entry.get("key") != json.loads(name):
            _log.warning("memo entry %s is passed over: it is not what its name says", path.name)
            return None
        self._kept.put(name, (value, len(content)))
        return value

    def put(self, value: Mapping[str, Any], **key: Any) -> None:
        """Remember an entry. Raises OSError if the folder cannot be written."""
        name = _canonical(key)
        content = json.dumps({"key": json.loads(name), "value": value}).encode()
        write_whole(self._path(name), content)
        self._kept.put(name, (json.loads(content)["value"], len(content)))

    def put_if_possible(self, value: Mapping[str, Any], **key: Any) -> None:
        """`put`, but for results that hold whether they are kept or not: a full disk is a warning in the log."""
        try:
            self.put(value, **key)
        except OSError as error:
            _log.warning("a memo entry cannot be kept: %s", error)

    def _path(self, name: str) -> Path:
        digest = hashlib.sha256(name.encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:]}.json"


def _canonical(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, separators=(",", ":"))
