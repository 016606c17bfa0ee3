"""The NPU's part of one delegate: the command stream, its constants, and where inputs and outputs lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class IoTensor:
    """An input or output in memory, NHWC without gaps.

    Attributes:
        shape: dimensions in elements, as Vela writes them (leading ones are padding).
        element_bytes: 1, 2, 4 or 8.
        region: base pointer that `address` counts from.
        address: bytes from that base.
    """

    shape: tuple[int, ...]
    element_bytes: int
    region: int
    address: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return prod(self.shape) * self.element_bytes


@dataclass(frozen=True)
class NpuProgram:
    """One delegate as the runtime hands it to the NPU. It can be executed without Vela, ExecuTorch or TOSA.

    Attributes:
        command_stream: with the driver's header.
        constants: read-only data of region 0: encoded weights, scales, tables.
        arena_bytes: size of region 1, which holds inputs, outputs and intermediate values.
        fast_bytes: size of region 2 where it is a memory of its own (`Dedicated_Sram`); None: it is the arena itself.
        inputs, outputs: in the order of the delegate's call. Vela drops inputs that nobody reads.
    """

    command_stream: bytes
    constants: bytes
    arena_bytes: int
    fast_bytes: int | None
    inputs: tuple[IoTensor, ...]
    outputs: tuple[IoTensor, ...]
