"""The command stream as bytes: the driver's header and the commands after it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workers.errors import ModelError
from workers.ethos_u.command_stream.registers import FAMILIES, Register, registers

#: Bytes before the first command. Offsets in this package count from the end of it.
HEADER_BYTES = 32

# Fourcc, version of the optimiser, the NPU's CONFIG register, its version, three words of padding, and the action that
# hands the rest to the NPU: its number, and how many words follow (high byte, then low half).
_HEADER = struct.Struct("<4sIII12xBBH")
_RUN_COMMANDS = 2

#: Of a command's code, if it has two words.
SECOND_WORD_FOLLOWS = 0x4000


class StreamError(ModelError):
    """A command stream that is not one, or that says something that is not understood."""


@dataclass(frozen=True)
class Header:
    """What a stream says of itself.

    Attributes:
        family: `ethos-u55`, `ethos-u65` or `ethos-u85`.
        accelerator: what it was compiled for, in Vela's spelling, as in `ethos-u65-256`.
        words: 32-bit words of commands.
    """

    family: str
    accelerator: str
    words: int


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        offset: bytes from the first command of the stream.
        code: what it is, bit 14 set if it has two words.
        register: the same, with the meaning of its bits.
        value: the 16-bit parameter; of a command of two words the second word, the parameter above it.
    """

    offset: int
    code: int
    register: Register
    value: int

    @property
    def name(self) -> str:
        """As in `NPU_SET_IFM_WIDTH0_M1`."""
        return self.register.name

    @property
    def fields(self) -> dict[str, int | str]:
        """Its fields in the order of Vela's listing: the name of an enumeration's value, else a number."""
        values = {name: field.of(self.value) for name, field in self.register.fields.items()}
        return {name: self.register.fields[name].names.get(value, value) for name, value in values.items()}


def header(stream: bytes) -> Header:
    """Read the driver's header.

    Raises:
        StreamError: the stream has none, or one of another kind, or is longer or shorter than it says.
    """
    if len(stream) < HEADER_BYTES:
        raise StreamError(f"not an Ethos-U command stream: {len(stream)} bytes, less than the header alone")
    magic, _, config, _, action, words_high, words_low = _HEADER.unpack_from(stream)
    if magic != b"COP1" or action != _RUN_COMMANDS:
        raise StreamError("not an Ethos-U command stream as ExecuTorch's runtime takes it (COP1)")
    product, macs = config >> 28, 1 << (config & 0xF)
    if product >= len(FAMILIES):
        raise StreamError(f"the command stream is for an unknown Ethos-U product (number {product})")
    words = words_high << 16 | words_low
    if len(stream) != HEADER_BYTES + 4 * words:
        found = len(stream) - HEADER_BYTES
        raise StreamError(f"the command stream is damaged: {found} bytes of commands, the header says {4 * words}")
    return Header(FAMILIES[product], f"{FAMILIES[product]}-{macs}", words)


def words_of(stream: bytes) -> tuple[Header, np.ndarray]:
    """The header and the 32-bit words after it.

    Raises:
        StreamError: as `header`.
    """
    return header(stream), np.frombuffer(stream, "<u4", offset=HEADER_BYTES)


def starts_of(words: np.ndarray) -> np.ndarray:
    """The words that commands begin with: all that are not the second word of the command before them."""
    at = np.arange(len(words))
    # Where words that announce a second one follow each other, every other one of them is such a second word.
    ended = np.maximum.accumulate(np.where(words & SECOND_WORD_FOLLOWS, -1, at))
    alone = np.concatenate(([-1], ended[:-1]))[: len(words)]
    return np.flatnonzero((at - alone) % 2)


def command_at(head: Header, words: np.ndarray, position: int) -> Command:
    """The command that starts at a word.

    Args:
        head: of the stream.
        words: uint32, of the whole stream.
        position: index of the command's first word.

    Returns:
        The command.

    Raises:
        StreamError: it is unknown for the product, or cut off.
    """
    word, offset = int(words[position]), 4 * position
    code, value = word & 0xFFFF, word >> 16
    register = registers(head.family).get(code)
    if register is None:
        raise StreamError(f"unknown {head.family} command {code:#06x} at offset {offset:#x}")
    if code & SECOND_WORD_FOLLOWS:
        if position + 1 == len(words):
            raise StreamError(f"the command stream ends in the middle of {register.name} at offset {offset:#x}")
        value = value << 32 | int(words[position + 1])
    return Command(offset, code, register, value)


def commands(stream: bytes) -> Iterator[Command]:
    """The commands of a stream that begins with the driver's header, in order, the final NPU_OP_STOP included.

    Raises:
        StreamError: the header is wrong, a command is unknown for the product, or the last is cut off.
    """
    head, words = words_of(stream)
    for position in starts_of(words).tolist():
        yield command_at(head, words, position)
