"""Values of a program on given inputs that took long to compute, one file each, for other workers and later runs."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from search_space.graph import Graph
from workers.whole_file import write_whole

_log = logging.getLogger(__name__)


class KeptValues:
    """Of one program on one set of inputs.

    versions: of what computes the values. Values are kept by their places in the program, which follow from its
    structure alone; ids follow from how it was read.
    """

    def __init__(self, folder: Path, graph: Graph, inputs: Sequence[np.ndarray], versions: Mapping[str, str]) -> None:
        digest = hashlib.sha256(f"{graph.hash} {sorted(versions.items())}".encode())
        for array in inputs:
            digest.update(f"{array.dtype} {array.shape} ".encode() + array.tobytes())
        self._folder = folder / digest.hexdigest()
        self._places = {node_id: at for at, node_id in enumerate(graph.order)}

    def get(self, ids: Iterable[int]) -> dict[int, np.ndarray]:
        """Those that are kept. A file that cannot be read is passed over with a warning."""
        if not self._folder.is_dir():
            return {}
        found = {}
        for node_id in ids:
            path = self._path(node_id)
            try:
                # With its checksum: numpy's plain format has none.
                with np.load(path, allow_pickle=False) as archive:
                    found[node_id] = archive["value"]
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
                _log.warning("the value kept in %s is passed over: %s", path.name, error)
        return found

    def put_if_possible(self, values: Mapping[int, np.ndarray]) -> None:
        """Keep values; a full disk is a warning in the log."""
        for node_id, value in values.items():
            content = io.BytesIO()
            np.savez_compressed(content, value=value)
            try:
                write_whole(self._path(node_id), content.getvalue())
            except OSError as error:
                _log.warning("a value cannot be kept: %s", error)
                return

    def _path(self, node_id: int) -> Path:
        return self._folder / f"{self._places[node_id]}.npz"
