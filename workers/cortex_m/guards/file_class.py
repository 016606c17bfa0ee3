"""Which class of processors a file is for. The file itself does not say. On another class it computes wrong values
without an error (MVE on DSP) or fails (DSP on MVE)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workers.cortex_m.guards.verdict import Severity, Verdict
from workers.cortex_m.target import InstructionSet, Target

NAME = "file-class"
KEY = "instruction_set"


def check(facts: Mapping[str, str], target: Target) -> Iterator[Verdict]:
    """A verdict if a file's facts, as `Target.facts` wrote them beside it, are those of another class.

    Args:
        facts: of the file.
        target: the processor that is to run it.

    Yields:
        One verdict, or none.
    """
    lowered_for, wanted = facts.get(KEY, ""), target.instruction_set.value
    if lowered_for == wanted:
        return
    severity = Severity.FAILS if lowered_for == InstructionSet.DSP.value else Severity.WRONG
    what = f"was lowered for {lowered_for.upper()}" if lowered_for else "does not say for which class it was lowered"
    message = f"the file {what}; {target.cpu} runs {wanted.upper()} kernels: lower the model for {target.cpu}"
    yield Verdict(NAME, "", severity, message)
