"""Streams put together from real ones, and what somebody finds in a stream who reads one word after the other."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

from support.programs.npu_programs import everything
from workers.ethos_u.command_stream import StreamError, commands
from workers.ethos_u.command_stream.commands import HEADER_BYTES
from workers.ethos_u.command_stream.registers import FAMILIES, registers
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]
_LONG = 0x4000
_STOP = 0xFFFF_0000


@dataclass(frozen=True)
class Read:
    """An operation as it was found."""

    name: str
    offset: int
    parameter: int
    registers: Mapping[str, int]
    kernel_wait: int | None
    dma_wait: int | None


def read(stream: bytes) -> list[Read]:
    """The operations of a stream whose header is right. Raises StreamError as `decode`."""
    family = FAMILIES[struct.unpack_from("<I", stream, 8)[0] >> 28]
    words = struct.unpack_from(f"<{(len(stream) - HEADER_BYTES) // 4}I", stream, HEADER_BYTES)
    found: list[Read] = []
    now: dict[str, int] = {}
    waits: dict[str, int] = {}
    at = 0
    stopped = False
    while at < len(words):
        code, value, offset = words[at] & 0xFFFF, words[at] >> 16, 4 * at
        if code not in registers(family):
            raise StreamError(f"unknown {family} command {code:#06x} at offset {offset:#x}")
        name = registers(family)[code].name
        at += 1
        if code & _LONG:
            if at == len(words):
                raise StreamError(f"the command stream ends in the middle of {name} at offset {offset:#x}")
            value = value << 32 | words[at]
            at += 1
        if stopped:
            raise StreamError(f"{name} at offset {offset:#x} comes after NPU_OP_STOP")
        if name.startswith("NPU_SET_"):
            now[name] = value
        elif name.endswith("_WAIT"):
            waits[name] = min(value, waits.get(name, value))
        elif name == "NPU_OP_BRANCH":
            raise StreamError(f"{name} at offset {offset:#x}: programs with control flow are not decoded")
        elif name == "NPU_OP_STOP":
            stopped = True
        elif name not in ("NPU_OP_IRQ", "NPU_OP_PMU_MASK"):
            both = waits.pop("NPU_OP_KERNEL_WAIT", None), waits.pop("NPU_OP_DMA_WAIT", None)
            found.append(Read(name, offset, value, dict(now), *both))
    if not stopped:
        raise StreamError("the command stream is damaged: it does not end in NPU_OP_STOP")
    return found


def stream_of(accelerator: str, words: list[int]) -> bytes:
    """A stream of these words."""
    head = bytearray(_real(accelerator, "conv")[:HEADER_BYTES])
    struct.pack_into("<BH", head, HEADER_BYTES - 3, len(words) >> 16, len(words) & 0xFFFF)
    return bytes(head) + struct.pack(f"<{len(words)}I", *words)


@st.composite
def composed(draw: st.DrawFn) -> tuple[str, bytes]:
    """An accelerator and a stream for it. It has operations of real streams, some of them again and again, as a
    transpose on U55 does it. Waits and changes of other registers are here and there."""
    accelerator = draw(st.sampled_from(ACCELERATORS))
    words: list[int] = []
    for name in draw(st.lists(st.sampled_from(sorted(everything(accelerator.rpartition("-")[0]))), max_size=3)):
        for own in _operations(accelerator, name)[: draw(st.integers(1, 6))]:
            words += own
            for between in draw(st.lists(st.sampled_from(_BETWEEN), max_size=12)):
                words += [*between, own[-1]]
    return accelerator, stream_of(accelerator, [*words, _STOP])


# What a composed stream has between two operations that are alike: mostly addresses, of IFM and OFM.
_ADDRESSES = [[0x4000, address, 0x4010, address + 64] for address in (0, 16, 0x4000, 0x5FFF_4000)]
_BETWEEN = [
    *_ADDRESSES * 4,
    [],
    [0x0001],  # an interrupt
    [0x4000, 16, 0x4001, 32, 0x4080, 48],  # other addresses too
    [0x0000_0012],  # wait until no operation is left
    [0x0001_0012, 0x4000, 48, 0x0000_0012],
    [0x0000_0011],  # wait until no copy is left
    [0x0003_0109],  # a zero point
    [0x0004_0112],  # the OFM's height
    [0x0001_0113, 0x4000, 64],  # the OFM's depth
    [0x0000_0010],  # a copy, by whatever registers there are
]


@cache
def _real(accelerator: str, name: str) -> bytes:
    tosa = everything(accelerator.rpartition("-")[0])[name]
    return compile_tosa(tosa, Target.parse(accelerator), operators=False).command_stream


@cache
def _operations(accelerator: str, name: str) -> list[list[int]]:
    """The words of each operation of a real stream, with the commands that come before it."""
    stream = _real(accelerator, name)
    found: list[list[int]] = []
    start = 0
    for command in commands(stream):
        if command.name.startswith("NPU_OP_") and not command.name.endswith(("_WAIT", "_STOP")):
            end = command.offset + 4
            found.append(list(struct.unpack_from(f"<{(end - start) // 4}I", stream, HEADER_BYTES + start)))
            start = end
    return found
