"""Softmax over another axis than the innermost one, which ExecuTorch's kernel refuses.

The quantiser goes by the channels of an image. An image of one pixel or of one channel lies in both orders at once. So
its softmax is quantised although the channels are not innermost in its shape.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "softmax-axis"


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """A verdict on every quantised softmax of a lowered program that is not over the last axis."""
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_of(node) != "softmax":
            continue
        rank = len(shape_of(node))
        axis = node.args[1] % rank
        if axis != rank - 1:
            message = f"{node.name}: the kernel of a softmax over axis {axis} of {rank} gives error 0x12"
            yield Verdict(NAME, node.name, Severity.FAILS, f"{message}; leave out the axes of size 1 behind it")
