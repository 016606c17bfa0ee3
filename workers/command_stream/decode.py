"""From the bytes of a command stream to the operations that the NPU performs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from workers.command_stream.commands import SECOND_WORD_FOLLOWS, Command, StreamError, command_at, words_of
from workers.command_stream.operation import Kind, Operation
from workers.command_stream.state import Layout, RegisterState

_STARTS = {
    "NPU_OP_CONV": Kind.CONV,
    "NPU_OP_DEPTHWISE": Kind.DEPTHWISE,
    "NPU_OP_POOL": Kind.POOL,
    "NPU_OP_ELEMENTWISE": Kind.ELEMENTWISE,
    "NPU_OP_RESIZE": Kind.RESIZE,
    "NPU_OP_DMA_START": Kind.DMA,
}
_KERNEL_WAIT, _DMA_WAIT = "NPU_OP_KERNEL_WAIT", "NPU_OP_DMA_WAIT"


@dataclass(frozen=True)
class Decoded:
    """A command stream that was understood.

    Attributes:
        accelerator: what it was compiled for, as in `ethos-u55-128`.
        operations: computations and copies in the order in which they are issued.
    """

    accelerator: str
    operations: tuple[Operation, ...]


def decode(stream: bytes, most: int | None = None) -> Decoded:
    """Decode `workers.vela.Compiled.command_stream` or `workers.pte.Delegate.command_stream`.

    most: stop after this many operations and leave the rest unread.

    Raises:
        StreamError: it is no command stream for an Ethos-U, has an unknown command, does not end in NPU_OP_STOP, or
            branches (a register's value would then depend on the way taken; ExecuTorch's programs do not).
    """
    head, words = words_of(stream)
    layout = _layout(head.family)
    position_of_code = layout.position_of_code
    values: list[int | None] = [None] * len(layout.position)
    operations: list[Operation] = []
    waits: dict[str, int] = {}
    at, end = 0, len(words)
    # Nearly all commands set a register: those go without an object for each.
    while at < end:
        word = words[at]
        code = word & 0xFFFF
        position = position_of_code.get(code)
        if position is None:
            command = command_at(head, words, at)
            at += 2 if code & SECOND_WORD_FOLLOWS else 1
            if command.name == "NPU_OP_STOP":
                if at < end:
                    after = command_at(head, words, at)
                    raise StreamError(f"{after.name} at offset {after.offset:#x} comes after NPU_OP_STOP")
                return Decoded(head.accelerator, tuple(operations))
            if command.name in _STARTS:
                registers = RegisterState(layout, tuple(values))
                operations.append(_operation(command, registers, waits))
                if len(operations) == most:
                    return Decoded(head.accelerator, tuple(operations))
            elif command.name in (_KERNEL_WAIT, _DMA_WAIT):
                waits[command.name] = min(command.value, waits.get(command.name, command.value))
            elif command.name == "NPU_OP_BRANCH":
                raise StreamError(
                    f"NPU_OP_BRANCH at offset {command.offset:#x}: programs with control flow are not decoded"
                )
        elif not code & SECOND_WORD_FOLLOWS:
            values[position] = word >> 16
            at += 1
        elif at + 1 < end:
            values[position] = word >> 16 << 32 | words[at + 1]
            at += 2
        else:
            command_at(head, words, at)  # says that it is cut off
    raise StreamError("the command stream is damaged: it does not end in NPU_OP_STOP")


def _operation(command: Command, registers: RegisterState, waits: dict[str, int]) -> Operation:
    """Takes the waits that came before it."""
    return Operation(
        kind=_STARTS[command.name],
        offset=command.offset,
        parameter=command.value,
        registers=registers,
        kernel_wait=waits.pop(_KERNEL_WAIT, None),
        dma_wait=waits.pop(_DMA_WAIT, None),
    )


_layout = cache(Layout)
