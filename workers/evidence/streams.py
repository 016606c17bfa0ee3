"""The command streams of an evidence folder, decoded once each."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from pathlib import Path

from workers.command_stream import Decoded, StreamError, decode
from workers.errors import ModelError, one_line, printable
from workers.evidence.csv_rows import csv_rows

#: Longest command stream that is read, in bytes; the longest of a real model has a tenth of it.
_LONGEST = 64 << 20
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
        return decoded(content, path)


def unpacked(path: Path) -> bytes:
    """The content of a gzip file.

    Raises:
        ModelError: it is damaged, or larger than any command stream.
    """
    try:
        with gzip.open(path) as file:
            content = file.read(_LONGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ModelError(f"{path}: is not a whole gzip file ({one_line(error)})") from error
    if len(content) > _LONGEST:
        raise ModelError(f"{path}: unpacks to more than {_LONGEST >> 20} MiB, which no command stream has")
    return content


def decoded(content: bytes, path: Path) -> Decoded:
    """A command stream; `path` is named where it is damaged."""
    try:
        return decode(content)
    except StreamError as error:
        raise ModelError(f"{path}: {error}") from error
