"""What ExecuTorch's runner for Cortex-M prints about the NPU at the end of a run.

The lines are those of `StopMeasurements` in examples/arm/executor_runner/arm_perf_monitor.cpp and of `main` in
arm_executor_runner.cpp beside it. Both are as of ExecuTorch 1.4.0 and of its main branch of August 2026. What counts as
trouble follows backends/arm/scripts/run_fvp.sh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MESSAGE = re.compile(r"I \[executorch:[^\]]*\] ?(.*)")
_FIGURES = {
    "NPU Inferences": re.compile(r"NPU Inferences : (\d{1,9})"),
    "NPU delegations": re.compile(r"NPU delegations: (\d{1,9}) \(.*"),
    "ethosu_pmu_cycle_cntr": re.compile(r"ethosu_pmu_cycle_cntr : +(\d{1,18}) \(.*"),
}
_LAST = "Program complete, exiting."
_OUT_OF_TIME = "Info: Simulation is stopping. Reason: CPU time has been exceeded."
_TROUBLE = re.compile(rf"[EF][: ].*|\[critical\].*|.*Hard fault.*|{re.escape(_OUT_OF_TIME)}.*")


class SimulationFailed(Exception):
    """A run that gave no figures; one line for people."""


@dataclass(frozen=True)
class PmuReport:
    """What the NPU's performance monitor counted.

    Attributes:
        npu_cycles: while the NPU was active, in one inference, all its delegates together.
        delegations: command streams that the NPU ran in one inference.
    """

    npu_cycles: int
    delegations: int


def pmu_report(lines: Iterable[str]) -> PmuReport:
    """The figures in the log of one run.

    Args:
        lines: the log, with or without line ends; anything else may stand between the lines that count.

    Raises:
        SimulationFailed: the run reports an error, ended early, or its figures are missing, contradictory or nought.
    """
    found: dict[str, int] = {}
    complete = False
    for line in lines:
        text = line.rstrip("\r\n")
        if _TROUBLE.fullmatch(text):
            raise SimulationFailed(f"it reports: {text[:200]}")
        message = _MESSAGE.fullmatch(text)
        if message is None:
            continue
        complete |= message[1] == _LAST
        for name, figure in _FIGURES.items():
            value = figure.fullmatch(message[1])
            if value is not None and found.setdefault(name, int(value[1])) != int(value[1]):
                raise SimulationFailed(f"its log has two reports with different values of '{name}'")
    missing = [name for name in _FIGURES if name not in found]
    if missing:
        raise SimulationFailed(f"its log has no value of '{missing[0]}': is it ExecuTorch's arm_executor_runner?")
    if not complete:
        raise SimulationFailed(f"its log ends before '{_LAST}'")
    inferences, delegations, cycles = (found[name] for name in _FIGURES)
    if not inferences or not delegations or not cycles or delegations % inferences:
        raise SimulationFailed(
            f"its figures make no sense: {', '.join(f'{value:,} {name}' for name, value in found.items())}"
        )
    return PmuReport(round(cycles / inferences), delegations // inferences)
