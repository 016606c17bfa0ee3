"""Grouped and transposed convolutions that older kernels of CMSIS-NN compute wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of, shape_of
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "convolution-kinds"


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """Verdicts on grouped convolutions without bias, and on transposed ones by their padding of rows."""
    for node in program.graph.nodes:
        name = operator_of(node) if node.op == "call_function" else ""
        if name.startswith("quantized_transpose_conv2d"):
            # Each row is complete when it is written, so a padding of columns is right by any stride.
            stride, padding = node.args[3][0], node.args[4][0]
            if padding % stride:
                message = (
                    f"{node.name}: a padding of {padding} rows is no multiple of stride {stride}; CMSIS-NN before "
                    "July 2026 writes rows to the wrong place"
                )
                yield Verdict(NAME, node.name, Severity.WRONG, message)
        elif name in ("quantized_conv2d", "quantized_conv2d_nhwc") and node.args[2] is None:
            image, weight = node.args[0], node.args[1]
            channels = shape_of(image)[-1 if name.endswith("_nhwc") else 1]
            if channels != shape_of(weight)[3]:
                message = f"{node.name}: a grouped convolution without bias reads beside it; give it a bias of zeros"
                yield Verdict(NAME, node.name, Severity.WRONG, message)
