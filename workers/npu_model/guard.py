"""What is wrong with a command stream, as far as it shows without computing a value.

Every rule holds for every stream that is right. What no rule finds can still be wrong: only executing a stream shows
that it computes the program's values.
"""

from __future__ import annotations

from collections.abc import Iterator

from workers.command_stream import Decoded, FeatureMap, Kernel, Kind, Operation, rows_of
from workers.npu_model import spans
from workers.npu_model.claims import Claims
from workers.npu_model.honoured import not_honoured
from workers.npu_model.program import NpuProgram
from workers.npu_model.replay import Replay
from workers.npu_model.results import left_unread, other_size, results
from workers.npu_model.steps import Step, steps
from workers.npu_model.violation import Violation

_ONE_BY_ONE = Kernel(1, 1, 1, 1, 1, 1)


def guard(program: NpuProgram, decoded: Decoded, claimed: Claims | None = None) -> list[Violation]:
    """Check a stream without executing it. Nothing is found in a stream that is right.

    Args:
        decoded: of `program.command_stream`.
        claimed: of the TOSA program that it was compiled from. Without them it is not found that something is left
            unread, or that operations write more or fewer elements than the tensor has.

    Returns:
        What is wrong, in the order of the operations.

    Raises:
        Unmodelled, StreamError: the stream has something in it that is not known.
    """
    looked_at = list(steps(decoded, None if claimed is None else rows_of(decoded, claimed.rows)))
    made = [] if claimed is None else results(looked_at, claimed)
    writers = {step: number for number, result in enumerate(made) for step in result.steps}
    replay = Replay(program, decoded.accelerator, looked_at, [writers.get(step, len(made)) for step in looked_at])
    found = [Violation(step.offset, reason) for step in looked_at for reason in _wrong_alone(step)]
    found += replay.violations
    if claimed is not None:
        found += (violation for result in made for violation in other_size(result))
        found += left_unread(program, made, replay, claimed)
    return sorted(found, key=lambda violation: (violation.offset is None, violation.offset or 0))


def _wrong_alone(step: Step) -> Iterator[str]:
    """What can be said of operations without looking at others."""
    operation, ofm = step.operation, step.operation.ofm
    yield from not_honoured(operation)
    for written in step.footprint.writes:
        if ofm is not None and spans.size(written.spans) < len(step.offsets) * ofm.bytes:
            yield "several elements of its OFM are written to the same place"
        for read in step.footprint.reads:
            if read.region == written.region and len(spans.common(read.spans, written.spans)):
                operand = {"IFM": operation.ifm, "IFM2": operation.ifm2}.get(read.what)
                if not _in_place(operation, operand):
                    yield f"its OFM is written over bytes of its {read.what} that are still to be read"


def _in_place(operation: Operation, operand: FeatureMap | None) -> bool:
    """Whether each element of the OFM takes the place of the very element that it is computed from."""
    ofm = operation.ofm
    by_element = operation.kind is Kind.ELEMENTWISE or (
        operation.kind is Kind.POOL and operation.kernel == _ONE_BY_ONE
    )  # fmt: skip
    if not by_element or operand is None or ofm is None:
        return False
    laid_out = (ofm.shape, ofm.addresses, ofm.strides, ofm.format, ofm.element_bytes)
    moved = ofm.transpose != "HWC" or ofm.reverse != "NONE"
    return not moved and laid_out == (
        operand.shape, operand.addresses, operand.strides, operand.format, operand.element_bytes
    )  # fmt: skip
