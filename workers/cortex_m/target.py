"""The processor to compile for: which kernels of CMSIS-NN run there, and whose instructions are counted."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum

from workers.errors import ModelError


class InstructionSet(Enum):
    """The class of processors for which CMSIS-NN has one set of kernels."""

    MVE = "mve"
    DSP = "dsp"


@dataclass(frozen=True)
class _Processor:
    counted_on: str
    instruction_set: InstructionSet
    note: str


_SAME_CLASS = "instructions of the MVE kernels counted on Cortex-M55; none were counted on this processor"
#: Differences to Cortex-M4 by the counted rows of both in `evidence/data/instructions.csv`.
_PROCESSORS = {
    "cortex-m55": _Processor("cortex-m55", InstructionSet.MVE, "counted on this processor"),
    "cortex-m85": _Processor("cortex-m55", InstructionSet.MVE, _SAME_CLASS),
    "cortex-m4": _Processor("cortex-m4", InstructionSet.DSP, "counted on this processor"),
    "cortex-m7": _Processor(
        "cortex-m4",
        InstructionSet.DSP,
        "counted on Cortex-M4; median within 4 % of Cortex-M7, softmax 13 % less",
    ),
    "cortex-m33": _Processor(
        "cortex-m4", InstructionSet.DSP, "counted on Cortex-M4; median within 4 % of Cortex-M33, memcpy 6 % more"
    ),
}

#: What the counted instructions belong to; a count says nothing about any other revision, compiler or flag.
COUNTED_WITH = "CMSIS-NN 99f736a, GCC 12.2 -Ofast"


@dataclass(frozen=True)
class Target:
    """A Cortex-M processor. Make one with `Target.parse`.

    Attributes:
        cpu: its name, as in `cortex-m55`.
    """

    cpu: str

    @classmethod
    def parse(cls, name: str) -> Target:
        """The target that a command line names.

        Raises:
            ModelError: no instructions were counted for a processor of this name.
        """
        lowered = name.strip().lower()
        if lowered in _PROCESSORS:
            return cls(lowered)
        near = difflib.get_close_matches(lowered, _PROCESSORS, n=2, cutoff=0.9)
        known = ", ".join(near or _PROCESSORS)
        raise ModelError(f"--target {name}: no instructions were counted for it; known: {known}")

    @classmethod
    def counted(cls, instruction_set: InstructionSet) -> Target:
        """The processor whose instructions were counted for a class."""
        return next(
            cls(cpu)
            for cpu, one in _PROCESSORS.items()
            if one.instruction_set is instruction_set and one.counted_on == cpu
        )

    @property
    def instruction_set(self) -> InstructionSet:
        """The class of its kernels. A file lowered for one class runs on no processor of the other."""
        return _PROCESSORS[self.cpu].instruction_set

    @property
    def counted_on(self) -> str:
        """The processor whose executed instructions stand for those of this one."""
        return _PROCESSORS[self.cpu].counted_on

    @property
    def label(self) -> str:
        """For people: the processor, and for an alias what is known of it."""
        note = "" if self.cpu == self.counted_on else f" ({_PROCESSORS[self.cpu].note})"
        return f"{self.cpu}{note}"

    @property
    def backend(self) -> str:
        """See `workers.backend.target.Target`."""
        return "cortex-m"

    @property
    def name(self) -> str:
        """See `workers.backend.target.Target`."""
        return self.cpu

    @property
    def options(self) -> dict[str, str]:
        """See `workers.backend.target.Target`."""
        return {"--target": self.cpu}

    @property
    def clock_hz(self) -> float | None:
        """None: instructions are no cycles."""
        return None

    def facts(self) -> dict[str, str]:
        """What a prediction for it rests on, as plain strings."""
        return {
            "cpu": self.cpu,
            "instruction_set": self.instruction_set.value,
            "counted_on": self.counted_on,
            "counted_with": COUNTED_WITH,
            "note": _PROCESSORS[self.cpu].note,
        }

    def identity(self) -> dict[str, str]:
        """What makes two targets the same, as plain strings."""
        return {"accelerator": self.cpu, **self.facts()}
