"""The few flatbuffer primitives that TOSA files need, read straight from the bytes.

The generated accessors of the TOSA wheel build a Python object per table and vector element. They take some twenty
times as long. Loading is part of every search. So the layout (https://flatbuffers.dev/internals) is read here.
"""

from __future__ import annotations

import struct
from functools import cache
from struct import Struct

_U32 = Struct("<I")
_I32 = Struct("<i")
_U16 = Struct("<H")


class Table:
    """One table of a buffer: fields by their number, None where the file leaves the default.

    All reads raise struct.error, IndexError or ValueError on other bytes. The loader turns these into one message.
    """

    __slots__ = ("_at", "_buffer", "_offsets")

    def __init__(self, buffer: bytes, at: int, vtables: dict[int, tuple[int, ...]]) -> None:
        """Read the field list of a table.

        Args:
            buffer: the file.
            at: position of the table.
            vtables: field lists read before, by position; extended.

        Raises:
            ValueError: the field list lies outside the file.
        """
        vtable = at - _I32.unpack_from(buffer, at)[0]
        offsets = vtables.get(vtable)
        if offsets is None:
            if vtable < 0:
                raise ValueError("a table's field list lies outside the file")
            size = _U16.unpack_from(buffer, vtable)[0]
            offsets = struct.unpack_from(f"<{size // 2 - 2}H", buffer, vtable + 4)
            vtables[vtable] = offsets
        self._buffer, self._at, self._offsets = buffer, at, offsets

    def position(self, field: int) -> int | None:
        """The position of the field's inline value."""
        if field < len(self._offsets) and self._offsets[field]:
            return self._at + self._offsets[field]
        return None

    def indirect(self, field: int) -> int | None:
        """The position of the table, vector or string that the field points to."""
        at = self.position(field)
        return None if at is None else at + _U32.unpack_from(self._buffer, at)[0]

    def uint32(self, field: int) -> int:
        at = self.position(field)
        return 0 if at is None else _U32.unpack_from(self._buffer, at)[0]

    def int32(self, field: int, default: int = 0) -> int:
        """Read an int32 field.

        Args:
            field: its number.
            default: its value where the file leaves it out.

        Returns:
            The value.
        """
        at = self.position(field)
        return default if at is None else _I32.unpack_from(self._buffer, at)[0]

    def uint8(self, field: int) -> int:
        at = self.position(field)
        return 0 if at is None else self._buffer[at]

    def int32s(self, field: int) -> tuple[int, ...]:
        at = self.indirect(field)
        if at is None:
            return ()
        count = _U32.unpack_from(self._buffer, at)[0]
        if count > len(self._buffer):
            raise ValueError("a vector is longer than the file")
        return struct.unpack_from(f"<{count}i", self._buffer, at + 4)

    def bytes_(self, field: int) -> bytes:
        at = self.indirect(field)
        return b"" if at is None else _bytes_at(self._buffer, at)

    def string(self, field: int) -> str:
        return self.bytes_(field).decode()

    def strings(self, field: int) -> list[str]:
        return [_bytes_at(self._buffer, at).decode() for at in self._targets(field)]

    def tables(self, field: int, vtables: dict[int, tuple[int, ...]]) -> list[Table]:
        """Read a field that is a vector of tables.

        Args:
            field: its number.
            vtables: field lists read before, by position; extended.

        Returns:
            The tables; none where the file leaves the field out.
        """
        return [Table(self._buffer, at, vtables) for at in self._targets(field)]

    def _targets(self, field: int) -> list[int]:
        at = self.indirect(field)
        if at is None:
            return []
        count = _U32.unpack_from(self._buffer, at)[0]
        if count > len(self._buffer):
            raise ValueError("a vector is longer than the file")
        offsets = struct.unpack_from(f"<{count}I", self._buffer, at + 4)
        return [at + 4 + 4 * i + offset for i, offset in enumerate(offsets)]


def _bytes_at(buffer: bytes, at: int) -> bytes:
    length = _U32.unpack_from(buffer, at)[0]
    value = buffer[at + 4 : at + 4 + length]
    if len(value) != length:
        raise ValueError("a vector is longer than the file")
    return value


@cache
def field_list(layout: tuple[int, ...], size: int) -> bytes:
    """The bytes of a field list, which tables of one layout share.

    Args:
        layout: offset of each field in the table, 0 for an absent one.
        size: bytes of the table after its first four.

    Returns:
        The bytes.
    """
    while layout and not layout[-1]:
        layout = layout[:-1]
    return struct.pack(f"<{len(layout) + 2}H", 4 + 2 * len(layout), 4 + size, *layout)


class Builder:
    """Writes a buffer front to back: a table first, then what it points to. Offsets are filled in once they are known.

    out: what is written so far; more may be appended.
    """

    def __init__(self, identifier: bytes) -> None:
        self.out = bytearray(b"\0\0\0\0" + identifier)
        self._field_lists: dict[bytes, int] = {}

    def align(self, boundary: int, ahead: int = 0) -> int:
        """Pad with zeros so that position + ahead is a multiple of `boundary`.

        Args:
            boundary: bytes.
            ahead: bytes.

        Returns:
            The position.
        """
        self.out += b"\0" * (-(len(self.out) + ahead) % boundary)
        return len(self.out)

    def point(self, slot: int) -> None:
        """Fill the offset at `slot` with the end of the buffer, where its target is written next."""
        _U32.pack_into(self.out, slot, len(self.out) - slot)

    def point_to(self, slot: int, target: int) -> None:
        """Fill in an offset.

        Args:
            slot: position of the offset.
            target: position that it points to.
        """
        _U32.pack_into(self.out, slot, target - slot)

    def fields(self, listed: bytes) -> int:
        """The position of a field list, which is written on its first use."""
        at = self._field_lists.get(listed)
        if at is None:
            at = self._field_lists[listed] = self.align(4)
            self.out += listed
            self.align(4)
        return at

    def table(self, layout: tuple[int, ...], body: bytes) -> int:
        """Write a table.

        Args:
            layout: as in `field_list`.
            body: the bytes of the table after its first four.

        Returns:
            The position of the table.
        """
        at = self.fields(field_list(layout, len(body)))
        position = self.align(4)
        self.out += _I32.pack(position - at) + body
        return position

    def vector_of_bytes(self, slot: int, data: bytes, boundary: int = 4) -> None:
        """Write a byte vector.

        Args:
            slot: position of the offset that points to it.
            data: the bytes.
            boundary: alignment of the first byte, in bytes.
        """
        self.align(boundary, ahead=4)
        self.point(slot)
        self.out += _U32.pack(len(data)) + data

    def vector_of_int32(self, slot: int, values: tuple[int, ...]) -> None:
        """Write an int32 vector.

        Args:
            slot: position of the offset that points to it.
            values: the values.
        """
        self.align(4)
        self.point(slot)
        self.out += struct.pack(f"<I{len(values)}i", len(values), *values)

    def offsets(self, slot: int, count: int) -> int:
        """Write a vector of empty offsets.

        Args:
            slot: position of the offset that points to it.
            count: number of offsets.

        Returns:
            The position of the first offset.
        """
        self.align(4)
        self.point(slot)
        self.out += _U32.pack(count) + bytes(4 * count)
        return len(self.out) - 4 * count
