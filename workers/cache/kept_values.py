"""Values that took long to compute, one file each, for other workers and later runs."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from workers.cache.atomic_write import write_whole

_log = logging.getLogger(__name__)


class KeptValues:
    """A value is one array or more. It is kept under bytes that identify what it is the result of.

    Attributes:
        versions: of what computes the values.
    """

    def __init__(self, folder: Path, versions: Mapping[str, str]) -> None:
        """Keep values in a folder.

        Args:
            folder: made when the first value is kept.
            versions: of what computes the values; others have values of their own.
        """
        self._folder, self._versions = folder, f"{sorted(versions.items())}".encode()

    def get(self, key: bytes) -> tuple[np.ndarray, ...] | None:
        """The value, or None. A file that cannot be read is passed over with a warning."""
        path = self._path(key)
        try:
            # With its checksum: numpy's plain format has none.
            with np.load(path, allow_pickle=False) as archive:
                return tuple(archive[f"arr_{at}"] for at in range(len(archive)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            _log.warning("the value kept in %s is passed over: %s", path.name, error)
            return None

    def put_if_possible(self, key: bytes, value: tuple[np.ndarray, ...]) -> None:
        """Keep a value; a full disk is a warning in the log.

        Args:
            key: says what the value is the result of.
            value: its arrays.
        """
        content = io.BytesIO()
        np.savez_compressed(content, *value)
        try:
            write_whole(self._path(key), content.getvalue())
        except OSError as error:
            _log.warning("a value cannot be kept: %s", error)

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{hashlib.sha256(self._versions + key).hexdigest()}.npz"
