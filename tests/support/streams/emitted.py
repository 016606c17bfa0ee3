"""The operations with weights that Vela makes of a program, with the bytes of their streams when they start."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from workers.ethos_u.command_stream import Operation, Span, decode
from workers.ethos_u.command_stream.npu_program import IoTensor
from workers.ethos_u.npu_model.weights import ChannelScales, decode_scales, decode_weights
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

ACCELERATORS = (
    "ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u65-512", "ethos-u85-128",
    "ethos-u85-256", "ethos-u85-512", "ethos-u85-1024", "ethos-u85-2048",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Emitted:
    """An operation with weights, and the bytes of its streams."""

    accelerator: str
    operation: Operation
    weight_streams: list[bytes]
    scale_streams: list[bytes]

    @property
    def weights(self) -> np.ndarray:
        return decode_weights(self.operation, self.accelerator, self.weight_streams)

    @property
    def scales(self) -> ChannelScales:
        return decode_scales(self.operation, self.accelerator, self.scale_streams)


def emitted(tosa: bytes, target: Target) -> tuple[list[Emitted], tuple[IoTensor, ...]]:
    """The operations that have scales per channel, in order, and where the program's outputs are.

    Copies in memory are carried out, since weights are brought into faster memory while the program runs.
    """
    compiled = compile_tosa(tosa, target, operators=False)
    decoded = decode(compiled.command_stream)
    memory: dict[int | None, bytearray] = defaultdict(bytearray)
    memory[0] = bytearray(compiled.weights)

    def read(span: Span) -> bytes:
        return bytes(memory[span.region][span.address : span.address + span.length_bytes])

    found = []
    for operation in decoded.operations:
        if operation.dma is not None:
            data, to = read(operation.dma.source), operation.dma.destination
            held = memory[to.region]
            held.extend(bytes(max(0, to.address + len(data) - len(held))))
            held[to.address : to.address + len(data)] = data
        elif operation.scales:
            weights, scales = ([read(span) for span in spans] for spans in (operation.weights, operation.scales))
            found.append(Emitted(decoded.accelerator, operation, weights, scales))
    return found, compiled.outputs
