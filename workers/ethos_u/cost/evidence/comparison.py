"""One number that was counted, beside what is predicted for the same run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Subject = Literal["program", "operator", "launch", "sweep"]
Label = Literal["simulated", "measured"]


@dataclass(frozen=True)
class Comparison:
    """A row of evidence that has a command stream, priced.

    Attributes:
        subject: `program`: a whole inference; `operator`: one operation or a few, run alone; `launch`: between two
            interrupts inside a program; `sweep`: a whole inference while a setting of the memory is varied.
        model: the network, or what names the operator.
        kind: of operator, such as `Conv2D 3x3`; empty for a program or a sweep.
        condition: what tells rows of one model on one accelerator apart, in words; empty: nothing does.
        accelerator: such as `ethos-u55-128`.
        label: `simulated` by Arm's FVP, or `measured` on an FPGA or silicon.
        counted_cycles: what the simulator or board counted for the NPU.
        step_cycles: the counter advances in steps of so many cycles; 1 where each cycle is counted.
        predicted_cycles: stream cycles, for the memory as it was while this was counted.
        vela_cycles: Vela's own estimate; None if none is known.
        stream: names the command stream, or its part.
        memory: the system configuration and the memory mode that it was compiled for.
        clock_hz: of the NPU by the configuration; None if it does not say.
        compiler: and its version; empty if it is not known.
        source: where the number was read.
    """

    subject: Subject
    model: str
    kind: str
    condition: str
    accelerator: str
    label: Label
    counted_cycles: float
    step_cycles: int
    predicted_cycles: float
    vela_cycles: float | None
    stream: str
    memory: str
    clock_hz: float | None
    compiler: str
    source: str

    @property
    def family(self) -> str:
        """The accelerator without its size, such as `ethos-u55`."""
        return self.accelerator.rpartition("-")[0]

    @property
    def error_percent(self) -> float:
        """Of the prediction; below zero where it is too low."""
        return 100 * (self.predicted_cycles / self.counted_cycles - 1)

    @property
    def slack_cycles(self) -> float:
        """How far the true number can be from the counted one.

        Otherwise the middle of a step is taken as the count. A launch lies between two readings, each up to a step
        late.
        """
        return float(self.step_cycles) if self.subject == "launch" else self.step_cycles / 2

    @property
    def sure_error_percent(self) -> float:
        """The part of the error that the counter's steps cannot explain; 0 if it could have shown the prediction."""
        beyond = max(0.0, abs(self.predicted_cycles - self.counted_cycles) - self.slack_cycles)
        return 100 * beyond / self.counted_cycles

    @property
    def vela_error_percent(self) -> float | None:
        """Of Vela's estimate."""
        return None if self.vela_cycles is None else 100 * (self.vela_cycles / self.counted_cycles - 1)
