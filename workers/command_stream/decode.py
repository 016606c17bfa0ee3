"""From the bytes of a command stream to the operations that the NPU performs."""

from __future__ import annotations

from dataclasses import dataclass

from workers.command_stream.commands import StreamError, commands, header
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


@dataclass(frozen=True)
class Decoded:
    """A command stream that was understood.

    Attributes:
        accelerator: what it was compiled for, as in `ethos-u55-128`.
        operations: computations and copies in the order in which they are issued.
    """

    accelerator: str
    operations: tuple[Operation, ...]


def decode(stream: bytes) -> Decoded:
    """Decode `workers.vela.Compiled.command_stream` or `workers.pte.Delegate.command_stream`.

    Raises:
        StreamError: it is no command stream for an Ethos-U, has an unknown command, does not end in NPU_OP_STOP, or
            branches (a register's value would then depend on the way taken; ExecuTorch's programs do not).
    """
    head = header(stream)
    layout = Layout(head.family)
    values: list[int | None] = [None] * len(layout.position)
    operations: list[Operation] = []
    waits: dict[str, int] = {}
    stopped = False
    for command in commands(stream):
        name = command.name
        if stopped:
            raise StreamError(f"{name} at offset {command.offset:#x} comes after NPU_OP_STOP")
        position = layout.position.get(name)
        if position is not None:
            values[position] = command.value
        elif name in _STARTS:
            operations.append(
                Operation(
                    kind=_STARTS[name],
                    offset=command.offset,
                    parameter=command.value,
                    registers=RegisterState(layout, tuple(values)),
                    kernel_wait=waits.pop("NPU_OP_KERNEL_WAIT", None),
                    dma_wait=waits.pop("NPU_OP_DMA_WAIT", None),
                )
            )
        elif name in ("NPU_OP_KERNEL_WAIT", "NPU_OP_DMA_WAIT"):
            waits[name] = min(command.value, waits.get(name, command.value))
        elif name == "NPU_OP_BRANCH":
            raise StreamError(
                f"NPU_OP_BRANCH at offset {command.offset:#x}: programs with control flow are not decoded"
            )
        elif name == "NPU_OP_STOP":
            stopped = True
    if not stopped:
        raise StreamError("the command stream is damaged: it does not end in NPU_OP_STOP")
    return Decoded(head.accelerator, tuple(operations))
