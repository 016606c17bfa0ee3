"""The kind of an operation in tables per operator, found from its registers alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from workers.errors import ModelError
from workers.ethos_u.command_stream import Kind, Operation
from workers.ethos_u.cost.evidence.csv_rows import csv_rows
from workers.ethos_u.cost.evidence.streams import Streams

_ELEMENTWISE = {
    "ADD": "Add", "SUB": "Sub", "MUL": "Mul", "MIN": "Minimum", "MAX": "Maximum", "ABS": "Abs", "LRELU": "LeakyRelu",
    "SHL": "SHL", "SHR": "Asr", "LSR": "SHR", "DIV": "Div",
}  # fmt: skip


def kinds_in(folder: Path) -> dict[str, dict[str, list[int]]]:
    """Family of accelerators -> kind of operation -> bits of the elements that such operations read.

    It is taken from an evidence folder's streams.

    Raises:
        ModelError: a stream that streams.csv lists is missing or damaged.
    """
    found: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    streams = Streams(folder)
    for row in csv_rows(folder / "streams.csv", ["stream"]):
        decoded = streams.find(row.name("stream"))
        if decoded is None:
            raise ModelError(f"{row.place}: streams/{row.name('stream')}.cs.gz is missing")
        for run in decoded.runs:
            for kind, bits in _named(run.first):
                found[run.first.family][kind].add(bits)
    return {family: {kind: sorted(kinds[kind]) for kind in sorted(kinds)} for family, kinds in sorted(found.items())}


def kinds_of(operation: Operation) -> list[str]:
    """Kinds that an operation is evidence of, as in `results.records.figures.OperatorRow.npu_op`.

    They are what it computes, and what is fused with it. None for copies of weights and tables.

    A matrix product on U55 and U65 is pairs of `Mul` and `ReduceSum`, and known by these names.
    """
    if operation.kind is Kind.DMA:
        indexed = operation.dma.indexed if operation.dma is not None else ""
        return {"source": ["Gather"], "destination": ["Scatter"]}.get(indexed, [])
    function = operation.activation.function if operation.activation is not None else "none"
    riding: list[str] = {"none": [], "clamp": ["Clamp"]}.get(function, ["LUT"])
    if operation.kind is Kind.POOL and riding == ["LUT"]:
        return riding
    return [_computed(operation), *riding]


def _named(operation: Operation) -> Iterator[tuple[str, int]]:
    for kind in kinds_of(operation):
        yield kind, 8 * operation.ifm.element_bytes if operation.ifm is not None else 8


def _computed(operation: Operation) -> str:
    match operation.kind:
        case Kind.CONV if operation.weights_from_ifm2:
            return "MatMul"
        case Kind.CONV:
            return "TransposeConv2D" if operation.upscale == "ZEROS" else "Conv2D"
        case Kind.DEPTHWISE:
            return "DepthwiseConv2D"
        case Kind.RESIZE:
            return "Resize"
        case Kind.ELEMENTWISE:
            mode = operation.mode or ""
            return _ELEMENTWISE.get(mode, mode)
    return _pooled(operation)


def _pooled(operation: Operation) -> str:
    kernel = operation.kernel
    if operation.mode == "MAX":
        return "MaxPool"
    if operation.mode == "REDUCE_SUM":
        return "ReduceSum"
    if kernel is not None and kernel.height * kernel.width > 1:
        return "AvgPool"
    if _reversed(operation):
        return "Reverse"
    return "Transpose" if _turned(operation) else "MemoryCopy"


def _reversed(operation: Operation) -> bool:
    ofm = operation.ofm
    return ofm is not None and (ofm.reverse != "NONE" or min(ofm.strides, default=0) < 0)


def _turned(operation: Operation) -> bool:
    """U85 has a register for it. U55 and U65 write rows closer to each other than columns."""
    ofm = operation.ofm
    if ofm is None or not ofm.strides:
        return False
    return ofm.transpose != "HWC" or (ofm.format == "NHWC" and ofm.strides[0] < ofm.strides[1])
