"""The command streams of a file: a `.pte`, a `.tflite` that Vela wrote, or a stream by itself."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from workers.errors import ModelError, one_line
from workers.ethos_u.files.pte import read_pte
from workers.ethos_u.files.tflite import read_tflite

#: Longest command stream that is unpacked, in bytes; the longest of a real model has a tenth of it.
LONGEST_STREAM = 64 << 20

#: Ends of file names that are understood.
SUFFIXES = (".pte", ".tflite", ".cs", ".cs.gz")


def program_streams(file: Path) -> list[bytes]:
    """The command streams of a program, in the order in which they run.

    There are none if nothing of it runs on the NPU.

    Raises:
        ModelError: the file cannot be read, or is of another kind.
    """
    if file.suffix == ".pte":
        return [one.command_stream for one in read_pte(file)]
    if file.suffix == ".tflite":
        return [one.npu_program.command_stream for one in read_tflite(file).operators]
    if file.name.endswith(".cs.gz"):
        return [unpacked(file)]
    if file.suffix == ".cs":
        try:
            return [file.read_bytes()]
        except OSError as error:
            raise ModelError(f"{file}: cannot be read ({error.strerror})") from error
    raise ModelError(f"{file}: is none of {', '.join(SUFFIXES)}")


def unpacked(path: Path) -> bytes:
    """The content of a gzip file.

    Raises:
        ModelError: it is damaged, or larger than any command stream.
    """
    try:
        with gzip.open(path) as file:
            content = file.read(LONGEST_STREAM + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ModelError(f"{path}: is not a whole gzip file ({one_line(error)})") from error
    if len(content) > LONGEST_STREAM:
        raise ModelError(f"{path}: unpacks to more than {LONGEST_STREAM >> 20} MiB, which no command stream has")
    return content
