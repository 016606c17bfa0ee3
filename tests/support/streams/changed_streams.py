"""Command streams with one command changed."""

from __future__ import annotations

import struct

from workers.ethos_u.command_stream.commands import HEADER_BYTES, SECOND_WORD_FOLLOWS, Command, commands

#: Code of NPU_OP_PMU_MASK, which changes nothing.
_PMU_MASK = 0x0013


def named(stream: bytes, name: str) -> list[Command]:
    """The commands of this name, in order."""
    return [command for command in commands(stream) if command.name == name]


def with_value(stream: bytes, command: Command, value: int) -> bytes:
    """Gives a command another value: the parameter, or the second word if there is one (the parameter stays)."""
    changed = bytearray(stream)
    at = HEADER_BYTES + command.offset
    if command.code & SECOND_WORD_FOLLOWS:
        struct.pack_into("<I", changed, at + 4, value)
    else:
        struct.pack_into("<H", changed, at + 2, value)
    return bytes(changed)


def without(stream: bytes, command: Command) -> bytes:
    """Puts something harmless in the place of a command of one word."""
    changed = bytearray(stream)
    struct.pack_into("<I", changed, HEADER_BYTES + command.offset, _PMU_MASK)
    return bytes(changed)
