"""Padding of NHWC images of height 1.

ExecuTorch 1.5.1 takes them for channels_last ones, and pads the wrong axes.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.cost.view import output_shapes
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "padded-row"


def check(program: ExportedProgram, expected: list[tuple[int, ...]]) -> Iterator[Verdict]:
    """Verdicts on padded images of height 1 whose padding is not that of the quantised model.

    Args:
        program: a lowered program.
        expected: shapes of the quantised model's outputs. A wrong padding in the middle changes them, or is none.

    Yields:
        A verdict for each padding that may be wrong.
    """
    if output_shapes(program) == expected:
        return
    for node in program.graph.nodes:
        if node.op != "call_function" or operator_of(node) != "pad":
            continue
        dims = shape_of(node.args[0])
        if len(dims) == 4 and dims[1] == 1 and any((*node.args[1], *node.args[2])):
            message = f"{node.name}: an image of height 1 is padded along the wrong axes; leave the padding in the pool"
            yield Verdict(NAME, node.name, Severity.WRONG, message)
