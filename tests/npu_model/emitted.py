"""Convolutions as Vela emits them: operations with their weights and scales as they are in memory when they start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workers.command_stream import Operation, Span, decode
from workers.npu_model.weights import ChannelScales, decode_scales, decode_weights
from workers.target import Target
from workers.vela import compile_tosa

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


def emitted(tosa: bytes, accelerator: str) -> list[Emitted]:
    """The operations with weights of a program, in order. Copies of weights into faster memory are carried out."""
    compiled = compile_tosa(tosa, Target.parse(accelerator), operators=False)
    decoded = decode(compiled.command_stream)
    memory: dict[int | None, bytearray] = defaultdict(bytearray)
    memory[0] = bytearray(compiled.weights)

    def read(span: Span) -> bytes:
        return bytes(memory[span.region][span.address : span.address + span.length_bytes])

    def found() -> Iterator[Emitted]:
        for operation in decoded.operations:
            if operation.dma is not None:
                data, to = read(operation.dma.source), operation.dma.destination
                held = memory[to.region]
                held.extend(bytes(max(0, to.address + len(data) - len(held))))
                held[to.address : to.address + len(data)] = data
            elif operation.weights:
                weights, scales = ([read(span) for span in spans] for spans in (operation.weights, operation.scales))
                yield Emitted(decoded.accelerator, operation, weights, scales)

    return list(found())
