"""Code bytes of an ELF file for Arm, by address."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from workers.errors import ModelError

_ARM, _LOADED = 40, 1
_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_SEGMENT = struct.Struct("<IIIIIIII")


@dataclass(frozen=True)
class Code:
    """The executable bytes of an ELF file.

    Attributes:
        segments: pairs of the address that bytes are executed at, and the bytes.
    """

    segments: tuple[tuple[int, bytes], ...]

    def word(self, address: int) -> tuple[int, int]:
        """The halfword at an address and the one behind it; 0 where the file has nothing."""
        for start, content in self.segments:
            if start <= address < start + len(content):
                both = content[address - start : address - start + 4].ljust(4, b"\0")
                return int.from_bytes(both[:2], "little"), int.from_bytes(both[2:], "little")
        return 0, 0


def read_code(path: Path) -> Code:
    """What an ELF file loads.

    Raises:
        ModelError: it cannot be read, or is no 32-bit ELF file for Arm.
    """
    try:
        content = path.read_bytes()
        ident, _, machine, *_ = header = _HEADER.unpack_from(content)
        if ident[:6] != b"\x7fELF\x01\x01" or machine != _ARM:
            raise ModelError(f"{path}: not a 32-bit little-endian ELF file for Arm")
        offset, size, number = header[5], header[9], header[10]
        segments = [_SEGMENT.unpack_from(content, offset + size * index) for index in range(number)]
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except struct.error as error:
        raise ModelError(f"{path}: not a whole ELF file") from error
    return Code(tuple((one[2], content[one[1] : one[1] + one[4]]) for one in segments if one[0] == _LOADED))
