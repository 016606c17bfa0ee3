"""What is asked of a command stream that may be wrong."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.correctness.miscompilations.miscompilation import Observed
from workers.ethos_u.command_stream import FeatureMap, Operation, decode
from workers.ethos_u.vela.compiler import Compiled


def computing(compiled: Compiled) -> list[Operation]:
    """Its operations without copies."""
    return [one for one in decode(compiled.command_stream).operations if one.computes]


def windows(compiled: Compiled) -> Iterator[tuple[str, Operation]]:
    """Operations with a kernel of more than one place, each with its kind in words."""
    for one in computing(compiled):
        if one.kernel is not None and one.kernel.width * one.kernel.height > 1:
            yield f"{one.mode or ''} {one.kind}".strip(), one


def size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def last_byte(tensor: FeatureMap) -> int:
    """Where an NHWC tensor of one tile ends."""
    steps = ((count - 1) * stride for count, stride in zip(tensor.shape, tensor.strides, strict=True))
    return tensor.addresses[0] + sum(steps) + tensor.element_bytes


def first_wrong(observed: list[Observed]) -> Observed:
    """The first that is wrong, else the first."""
    return next((one for one in observed if one.wrong), observed[0])
