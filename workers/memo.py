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

from workers.whole_file import write_whole

_log = logging.getLogger(__name__)


class Memo:
    """Entries are JSON objects under keys made of plain values; entries with equal keys are interchangeable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, **key: Any) -> dict[str, Any] | None:
        """The entry, or None. `key`: JSON-able values that say what the entry is the result of."""
        path = self._path(key)
        try:
            entry = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("memo entry %s is passed over: %s", path.name, error)
            return None
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, dict) or entry.get("key") != json.loads(_canonical(key)):
            _log.warning("memo entry %s is passed over: it is not what its name says", path.name)
            return None
        return value

    def put(self, value: Mapping[str, Any], **key: Any) -> None:
        """Remember an entry. Raises OSError if the folder cannot be written."""
        content = json.dumps({"key": json.loads(_canonical(key)), "value": value})
        write_whole(self._path(key), content.encode())

    def put_if_possible(self, value: Mapping[str, Any], **key: Any) -> None:
        """`put`, but for results that hold whether they are kept or not: a full disk is a warning in the log."""
        try:
            self.put(value, **key)
        except OSError as error:
            _log.warning("a memo entry cannot be kept: %s", error)

    def _path(self, key: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(_canonical(key).encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:]}.json"


def _canonical(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, separators=(",", ":"))
