"""From the bytes of a command stream to the operations that the NPU performs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np

from workers.ethos_u.command_stream.commands import Header, StreamError, command_at, starts_of, words_of
from workers.ethos_u.command_stream.issued import HALTS, STARTS, Issued, Meanings, Run
from workers.ethos_u.command_stream.operation import Operation

#: Words before an operation, by far more than most have.
_PLENTY = 64


@dataclass(frozen=True, eq=False)
class Decoded:
    """A command stream that was understood.

    Attributes:
        accelerator: what it was compiled for, as in `ethos-u55-128`.
        runs: its operations, as those that begin a run and how many are like them.
    """

    accelerator: str
    runs: tuple[Run, ...]
    _issued: Issued = field(repr=False)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Computations and copies in the order in which they are issued. Where `runs` serve, they take a fraction of
        the time."""
        return tuple(self._issued.operations(range(len(self._issued.offsets))))

    def operations_of(self, run: Run) -> tuple[Operation, ...]:
        """All operations of one of `runs`."""
        return tuple(self._issued.operations_of(run))

    def addresses(self, run: Run) -> dict[str, np.ndarray]:
        """Name of a register -> its value under each operation of one of `runs`, `[operations]` int64 (bytes).

        Only registers that change within the run are in it; all of them hold addresses.
        """
        return self._issued.addresses(run)


def decode(stream: bytes, most: int | None = None) -> Decoded:
    """Decode `workers.ethos_u.vela.compiler.Compiled.command_stream` or
    `workers.ethos_u.files.pte.Delegate.command_stream`.

    Args:
        stream: with its header.
        most: stop after this many operations and leave the rest unread; None reads all.

    Returns:
        The operations, with the registers that each is started with.

    Raises:
        StreamError: it is no command stream for an Ethos-U, has an unknown command, or lacks NPU_OP_STOP. Or it
            branches, so that a register's value depends on the way taken. ExecuTorch's programs do not branch.
    """
    head, words = words_of(stream)
    meanings = _meanings(head.family)
    # Of a long stream, its beginning is mostly enough for the first operations.
    for part in (words,) if most is None else (words[: most * _PLENTY], words):
        starts = starts_of(part)
        meaning = meanings.of_code[part[starts] & 0xFFFF]
        halts = np.flatnonzero(meaning <= HALTS)
        end = int(halts[0]) if len(halts) else len(starts)
        started = np.flatnonzero(meaning[:end] == STARTS)[:most]
        if len(started) == most:
            break
    else:
        _check_end(head, words, starts, end)
    used = int(started[-1]) + 1 if len(started) else 0
    issued = Issued(meanings, words, starts[:used], meaning[:used])
    return Decoded(head.accelerator, tuple(issued.runs()), issued)


def _check_end(head: Header, words: np.ndarray, starts: np.ndarray, end: int) -> None:
    """That the command at `end` is NPU_OP_STOP and the last one."""
    if end == len(starts):
        if end:
            command_at(head, words, int(starts[-1]))  # says if it is cut off
        raise StreamError("the command stream is damaged: it does not end in NPU_OP_STOP")
    halt = command_at(head, words, int(starts[end]))
    if halt.name == "NPU_OP_BRANCH":
        raise StreamError(f"NPU_OP_BRANCH at offset {halt.offset:#x}: programs with control flow are not decoded")
    if end + 1 < len(starts):
        after = command_at(head, words, int(starts[end + 1]))
        raise StreamError(f"{after.name} at offset {after.offset:#x} comes after NPU_OP_STOP")


_meanings = cache(Meanings)
