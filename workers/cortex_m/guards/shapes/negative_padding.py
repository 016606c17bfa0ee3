"""Padding by negative numbers, which crops: CMSIS-NN's `arm_pad_s8` takes them for sizes and does not end."""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "negative-padding"


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """A verdict on every `pad` of int8 values by negative numbers."""
    for node in program.graph.nodes:
        if node.op == "call_function" and operator_of(node) == "pad" and min(*node.args[1], *node.args[2]) < 0:
            message = f"{node.name}: padding by {list(node.args[1])} and {list(node.args[2])}; the kernel cannot crop"
            yield Verdict(NAME, node.name, Severity.FAILS, f"{message} and does not end; slice instead")
