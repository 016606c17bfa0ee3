"""Arm's Corstone simulators ("FVP"), running ExecuTorch's runner with a `.pte` in the simulated flash.

The command line is that of ExecuTorch's backends/arm/scripts/run_fvp.sh with `--data`. Arm says of these models that
they are cycle accurate for the NPU and not for the CPU. So nothing but the NPU's own counter is read.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from workers.errors import ModelError
from workers.ethos_u.cost.simulator.pmu_report import PmuReport, SimulationFailed, pmu_report
from workers.ethos_u.target import Target

#: How long after its own time limit a simulator that does not stop is stopped.
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Fvp:
    """A simulator of one target, and what it runs.

    Attributes:
        executable: the simulator's program file.
        runner: ExecuTorch's arm_executor_runner (ELF) that takes its program from `pte_address`.
        pte_address: such as `0x38000000`.
        seconds: after which a run is given up.
    """

    target: Target
    executable: Path
    runner: Path
    pte_address: str
    seconds: float

    @classmethod
    def find(cls, target: Target, named: Path | None, runner: Path, pte_address: str, seconds: float) -> Fvp:
        """The simulator that the user named, or the target's on the PATH.

        Args:
            target: the accelerator, which says which Corstone it takes.
            named: path of the simulator; None looks on the PATH.
            runner: ELF of ExecuTorch's runner for the Cortex-M.
            pte_address: where the runner expects the program, in hexadecimal.
            seconds: that a run may take.

        Returns:
            The simulator; it is not started.

        Raises:
            ModelError: the simulator or the runner is not there; the message says what to install.
        """
        name, corstone = _simulator_of(target)
        found = shutil.which(name if named is None else str(named.absolute()))
        if found is None:
            missing = f"--fvp {named} cannot be run" if named is not None else f"{name} is not on the PATH"
            raise ModelError(
                f"{missing}; install Arm's {corstone} FVP (https://developer.arm.com/Processors/{corstone}), for "
                "example with ExecuTorch's examples/arm/setup.sh, or name it with --fvp; see docs/fvp.md"
            )
        try:
            with runner.open("rb") as file:
                is_elf = file.read(4) == b"\x7fELF"
        except OSError as error:
            raise ModelError(f"--runner {runner}: {error.strerror}; {_how_to_build(target, pte_address)}") from error
        if not is_elf:
            raise ModelError(f"--runner {runner}: not an ELF file; {_how_to_build(target, pte_address)}")
        return cls(target, Path(found), runner, pte_address, seconds)

    def runner_sha256(self) -> str:
        """Hash of the runner's content: with which board's timings memory is simulated is built into it."""
        return hashlib.sha256(self.runner.read_bytes()).hexdigest()

    def run(self, pte: Path, log: Path) -> PmuReport:
        """Run a program once.

        Args:
            pte: the program.
            log: file that all that is printed goes to.

        Returns:
            What the PMU counted; simulated.

        Raises:
            SimulationFailed: it cannot be started, is not through in time, or its log has no good report.
        """
        try:
            with log.open("wb") as sink:
                ended = self._ended(self._command(pte), sink.fileno())
        except OSError as error:
            raise SimulationFailed(f"{self.executable.name} cannot be started, {error.strerror}") from error
        if ended is None:
            raise SimulationFailed(f"it was not through after {self.seconds:g} seconds")
        with log.open(encoding="utf-8", errors="replace") as lines:
            report = pmu_report(lines)
        if ended != 0:
            raise SimulationFailed(f"{self.executable.name} ended with status {ended}")
        return report

    def _ended(self, command: list[str], sink: int) -> int | None:
        """Exit status; None if it had to be stopped. The simulator and all that it started are gone then."""
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            return process.wait(self.seconds + _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _command(self, pte: Path) -> list[str]:
        macs = self.target.accelerator.rsplit("-", 1)[1]
        if "u85" in self.target.accelerator:
            board, npu = "mps4_board", "mps4_board.subsystem.ethosu"
            more = {"vis_hdlcd.disable_visualisation": "1", "mps4_board.uart0.unbuffered_output": "1"}
        else:
            board, npu, more = "mps3_board", "ethosu", {}
        parameters = {
            f"{npu}.num_macs": macs,
            f"{board}.visualisation.disable-visualisation": "1",
            f"{board}.telnetterminal0.start_telnet": "0",
            f"{board}.uart0.out_file": "-",
            f"{board}.uart0.shutdown_on_eot": "1",
            **more,
        }
        settings = [word for name, value in parameters.items() for word in ("-C", f"{name}={value}")]
        data = f"{pte.absolute()}@{self.pte_address}"
        limit = str(ceil(self.seconds))
        return [str(self.executable), *settings, "-a", str(self.runner), "--data", data, "--timelimit", limit]


def _simulator_of(target: Target) -> tuple[str, str]:
    """The program file's name, and the name of the subsystem at Arm."""
    for npu, name in (("u55", "FVP_Corstone_SSE-300_Ethos-U55"), ("u65", "FVP_Corstone_SSE-300_Ethos-U65")):
        if npu in target.accelerator:
            return name, "Corstone-300"
    return "FVP_Corstone_SSE-320", "Corstone-320"


def _how_to_build(target: Target, pte_address: str) -> str:
    return (
        "build ExecuTorch's runner with backends/arm/scripts/build_executor_runner.sh "
        f"--pte={pte_address} --target={target.accelerator} --system_config={target.system_config} "
        f"--memory_mode={target.memory_mode}; see docs/fvp.md"
    )
