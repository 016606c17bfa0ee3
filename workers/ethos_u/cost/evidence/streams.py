"""The command streams of an evidence folder, decoded once each."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from workers.errors import ModelError, printable
from workers.ethos_u.command_stream import Decoded, StreamError, decode
from workers.ethos_u.cost.evidence.csv_rows import csv_rows
from workers.ethos_u.files.program_streams import unpacked

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")


class Streams:
    """Reads `streams/NAME.cs.gz` below a folder.

    Attributes:
        folder: the evidence folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._decoded: dict[str, Decoded | None] = {}
        named = csv_rows(folder / "streams.csv", ["stream"])
        self._sha256 = {row.name("stream"): row.text("stream_sha256") for row in named}

    def find(self, name: str) -> Decoded | None:
        """The stream of a name, decoded; None if the folder does not have it.

        Raises:
            ModelError: the file is damaged, too long, not the one that streams.csv lists, or no command stream.
        """
        if name not in self._decoded:
            self._decoded[name] = self._read(name)
        return self._decoded[name]

    def _read(self, name: str) -> Decoded | None:
        if not _NAME.fullmatch(name):
            raise ModelError(f"{self.folder}: '{printable(name[:60])}' cannot be the name of a stream")
        path = self.folder / "streams" / f"{name}.cs.gz"
        if not path.is_file():
            return None
        content = unpacked(path)
        expected = self._sha256.get(name, "")
        if expected and hashlib.sha256(content).hexdigest() != expected:
            raise ModelError(f"{path}: is not the stream that streams.csv lists (its SHA-256 is another)")
        try:
            return decode(content)
        except StreamError as error:
            raise ModelError(f"{path}: {error}") from error
