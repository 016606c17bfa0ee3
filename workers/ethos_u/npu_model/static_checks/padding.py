"""Whether convolutions see as much padding as the program's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search_space.ir.graph import Graph, Node
from search_space.tosa_file.writer import written_operators
from workers.ethos_u.command_stream import Kind
from workers.ethos_u.npu_model.accesses.steps import Step
from workers.ethos_u.npu_model.violation import Violation

if TYPE_CHECKING:
    from workers.ethos_u.command_stream.operator_cost import OperatorCost

_SIDES = ("top", "bottom", "left", "right")


@dataclass(frozen=True)
class Window:
    """What slides over the IFM of a convolution in the program.

    Attributes:
        taps, dilation: (height, width).
        padding: at the top, bottom, left and right, in elements; a PAD before the convolution included.
    """

    taps: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]


def windows(graph: Graph) -> Mapping[int, Window]:
    """Those of a program that `search_space.tosa_file.writer` wrote: position of the operator in the file -> window."""
    found = {}
    for position, node_id in enumerate(written_operators(graph)):
        node = graph[node_id]
        if node.op in ("CONV2D", "DEPTHWISE_CONV2D"):
            shape = graph[node.inputs[1]].type.shape
            height, width = shape[1:3] if node.op == "CONV2D" else shape[:2]
            own, before = node.attributes["pad"], _padded(graph[node.inputs[0]])
            top, bottom, left, right = (one + other for one, other in zip(own, before, strict=True))
            found[position] = Window((height, width), node.attributes["dilation"], (top, bottom, left, right))
    return found


def _padded(node: Node) -> Sequence[int]:
    """Rows and columns that a PAD adds to an image: Vela takes them into the convolution behind it."""
    padding = node.attributes["padding"] if node.op == "PAD" else ()
    return padding[2:6] if len(padding) == 8 else (0, 0, 0, 0)


def too_much(
    looked_at: Sequence[Step], rows: Sequence[OperatorCost], known: Mapping[int, Window]
) -> Iterator[Violation]:  # fmt: skip
    """Convolutions that see more padding on a side than the program's.

    Each of them has the program's window. Where Vela computes a dilated convolution in phases, the window is less
    dilated over some rows and columns. An operation that computes some of the rows sees less padding above or below.

    Args:
        looked_at: all steps of a stream.
        rows: Vela's of the same compilation.
        known: windows of the program's convolutions, by index of the operator in the program.

    Yields:
        One violation for each side of an operation that sees too much.
    """
    for step in looked_at:
        window = known.get(rows[step.row].source_index) if step.row is not None else None
        operation = step.footprint.alike
        if window is None or operation.kind is Kind.POOL:
            continue
        kernel, padding = operation.kernel, operation.padding
        if kernel is None or padding is None:
            continue
        if (kernel.height, kernel.width) != window.taps or operation.upscale != "NONE":
            continue
        seen = padding.top, padding.bottom, padding.left, padding.right
        own = kernel.dilation_y, kernel.dilation_x
        for at, (side, count) in enumerate(zip(_SIDES, seen, strict=True)):
            apart = window.dilation[at // 2] // own[at // 2]
            most = -(-window.padding[at] // max(1, apart))
            if count > most:
                yield Violation(
                    step.offset, f"it pads {count} at the {side}, where the program's convolution pads {most}"
                )
