"""What the rows of a compilation write, compared with the values of the program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from workers.ethos_u.command_stream import Kind
from workers.ethos_u.command_stream.npu_program import NpuProgram
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.accesses.steps import Step
from workers.ethos_u.npu_model.static_checks.expected_accesses import ExpectedAccesses, ExpectedTensor
from workers.ethos_u.npu_model.static_checks.replay import Replay
from workers.ethos_u.npu_model.violation import Violation

# The edges that PAD adds meet in the corners; under a transposed convolution with gaps, there is a background.
_WRITTEN_TWICE = {"Pad", "TransposeConv2D"}


@dataclass(frozen=True)
class Result:
    """A tensor that computations write.

    Attributes:
        name: of the tensor.
        expected: what it is in the program; None for a tensor that Vela made up.
        ways: what the rows do that write it, as in `OperatorCost.npu_op`.
        sources: the TOSA operators that these rows come from, as in `OperatorCost.source_op`.
        steps: the computations of these rows.
    """

    name: str
    expected: ExpectedTensor | None
    ways: frozenset[str]
    sources: frozenset[str]
    steps: Sequence[Step]

    @property
    def offset(self) -> int:
        """Of the first computation."""
        return self.steps[0].offset


def results(steps: Sequence[Step], expected: ExpectedAccesses) -> list[Result]:
    """The tensors that are written, in the order of their first computations. Copies are left out.

    Args:
        steps: all of a stream, in order.
        expected: of the program that it was compiled from.

    Returns:
        One result for each tensor of Vela's rows.
    """
    made: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        if step.operation.computes and step.row is not None:
            made[expected.rows[step.row].name].append(step)
    found = []
    for name, parts in made.items():
        rows = [expected.rows[step.row] for step in parts if step.row is not None]
        ways, sources = frozenset(row.npu_op for row in rows), frozenset(row.source_op for row in rows)
        found.append(Result(name, expected.tensors.get(name), ways, sources, parts))
    return found


def other_size(result: Result) -> Iterator[Violation]:
    """Whether operations write more or fewer elements than the tensor has."""
    # What is made in several ways is made in several stages, whose results all go by the one name.
    if result.expected is None or len(result.ways) > 1:
        return
    parts = result.steps
    if result.ways == {"MatMul"}:
        # On U55 and U65 products go to memory before they are summed up.
        parts = [step for step in parts if step.operation.kind is not Kind.ELEMENTWISE]
    # Vela emits the transposed copy of a SLICE twice where an activation is fused to it. Where U85 sums up over several
    # convolutions, only the last one has an OFM.
    once = [*parts[:1], *(step for before, step in pairwise(parts) if not _repeats(step, before))]
    written = sum(len(step.offsets) * step.footprint.ofm_bytes for step in once)
    size = result.expected.length_bytes
    if written < size or (written > size and not result.sources <= _WRITTEN_TWICE):
        yield Violation(
            result.offset, f"the operations that compute {result.name} write {written} bytes, but the tensor has {size}"
        )


def _repeats(step: Step, before: Step) -> bool:
    """Whether it is the same operation once more, which writes the same unless it reads what it writes."""
    now, then = step.footprint, before.footprint
    if now.alike is not then.alike or len(step.offsets) != 1 or len(before.offsets) != 1:
        return False
    accesses = zip((*now.reads, *now.writes), (*then.reads, *then.writes), strict=True)
    if not all(one.region == other.region and np.array_equal(one.spans, other.spans) for one, other in accesses):
        return False
    pairs = product(now.reads, now.writes)
    return not any(read.region == written.region and len(read.common(written)) for read, written in pairs)


def left_unread(
    program: NpuProgram, made: Sequence[Result], replay: Replay, expected: ExpectedAccesses
) -> Iterator[Violation]:  # fmt: skip
    """What is not read although the outputs depend on it. Writers in `replay` are positions in `made`.

    Args:
        program: the stream and what belongs to it.
        made: tensors that are written, by `results`.
        replay: of the stream.
        expected: of the program that it was compiled from.

    Yields:
        One violation for each input or tensor.
    """
    lost: dict[int, int] = defaultdict(int)
    for region, unread in replay.unread.items():
        for writer, (first, end) in zip(unread.writers.tolist(), unread.spans.tolist(), strict=True):
            lost[writer] += end - first
        if len(program.inputs) != len(expected.inputs):
            continue
        for number, tensor in enumerate(program.inputs):
            if replay.region(tensor.region) == region:
                mine = spans.merged(unread.spans[unread.writers == -1 - number] - tensor.address)
                missed = spans.size(spans.common(mine, expected.inputs[number]))
                if missed:
                    yield Violation(None, f"{missed} bytes of input {number} that outputs depend on are never read")
    for number, result in enumerate(made):
        if result.ways == {"MemoryCopy"}:
            continue  # other users may have read what was copied
        if result.expected is not None:
            dead = result.expected.length_bytes - result.expected.demanded_bytes
        else:
            # Vela makes its own tensors of values of the program, so as much of them can be dead as of some value.
            # Their elements can be wider than the value's, or parts of them: U55 and U65 transpose int32 as bytes.
            ofm = result.steps[0].operation.ofm
            dead = max(expected.dead_bytes, expected.dead_elements * (1 if ofm is None else ofm.element_bytes))
        if lost[number] > dead:
            yield Violation(
                result.offset,
                f"{lost[number]} bytes of {result.name} are never read, but outputs depend on all but {dead} of them",
            )
