"""Finds what is wrong with a command stream, as far as it shows without computing a value.

Every rule holds for every stream that is right. What no rule finds can still be wrong. Only executing a stream shows
that it computes the program's values.
"""

from __future__ import annotations

from workers.ethos_u.command_stream import Decoded, rows_of
from workers.ethos_u.command_stream.npu_program import NpuProgram
from workers.ethos_u.npu_model.accesses.steps import steps
from workers.ethos_u.npu_model.static_checks.expected_accesses import ExpectedAccesses
from workers.ethos_u.npu_model.static_checks.honoured import not_honoured
from workers.ethos_u.npu_model.static_checks.overlaps import overlaps
from workers.ethos_u.npu_model.static_checks.padding import too_much
from workers.ethos_u.npu_model.static_checks.replay import Replay
from workers.ethos_u.npu_model.static_checks.results import left_unread, other_size, results
from workers.ethos_u.npu_model.violation import Violation
from workers.ethos_u.npu_model.waits.hazards import hazards


def guard(
    program: NpuProgram, decoded: Decoded, expected: ExpectedAccesses | None = None, *, waits: bool = False
) -> list[Violation]:  # fmt: skip
    """Check a stream without executing it. Nothing is found in a stream that is right.

    Args:
        program: the stream and what belongs to it.
        decoded: of `program.command_stream`.
        expected: of the TOSA program that it was compiled from. Without it, three faults are not found. Something is
            left unread, operations write a wrong number of elements, or padding is too much.
        waits: also replay the waits, as `hazards` does.

    Returns:
        What is wrong, in the order of the operations.

    Raises:
        Unmodelled, StreamError: the stream has something in it that is not known.
    """
    looked_at = list(steps(decoded, None if expected is None else rows_of(decoded, expected.rows)))
    made = [] if expected is None else results(looked_at, expected)
    writers = {step: number for number, result in enumerate(made) for step in result.steps}
    replay = Replay(program, decoded.accelerator, looked_at, [writers.get(step, len(made)) for step in looked_at])
    found = [Violation(step.offset, reason) for step in looked_at for reason in not_honoured(step.footprint.alike)]
    found += overlaps(looked_at)
    found += replay.violations
    if waits:
        found += hazards(program, decoded, looked_at)
    if expected is not None:
        found += too_much(looked_at, expected.rows, expected.windows)
        found += (violation for result in made for violation in other_size(result))
        found += left_unread(program, made, replay, expected)
    return sorted(found, key=lambda violation: (violation.offset is None, violation.offset or 0))
