"""Running Arm's simulator: what its log says, and what becomes of it when it does not do as it should. Arm's own cannot
be had here; scripts in its place print logs of its form (see fvp_log.py)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.fvp_log import BEGINNING, END, report

from workers.errors import ModelError
from workers.ethos_u.cost.simulator.fvp import Fvp
from workers.ethos_u.cost.simulator.pmu_report import PmuReport, SimulationFailed, pmu_report
from workers.ethos_u.target import Target

LOG = report(cycles=247553)


# The log


@given(
    cycles=st.integers(1, 10**15),
    delegates=st.integers(1, 99),
    inferences=st.integers(1, 9),
    end=st.sampled_from("\n\r"),
)
def test_figures_of_one_inference(cycles: int, delegates: int, inferences: int, end: str) -> None:
    log = report(cycles, delegates * inferences, inferences, each=delegates)
    lines = log.replace("\n", "\r\n" if end == "\r" else "\n").splitlines(keepends=True)
    assert pmu_report(lines) == PmuReport(round(cycles / inferences), delegates)


def test_a_space_that_the_format_asks_for() -> None:
    """arm_perf_monitor.cpp has `"% " PRIu64` there: C libraries differ in whether that prints one for unsigned."""
    log = LOG.replace("ethosu_pmu_cycle_cntr : ", "ethosu_pmu_cycle_cntr :  ")
    assert pmu_report(log.splitlines()).npu_cycles == 247553


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", "no value of 'NPU Inferences'"),
        (BEGINNING + END, "no value of 'NPU Inferences'"),
        (LOG.replace("cycle_cntr : 247553 (", "cycle_cntr : (", 1), "no value of 'ethosu_pmu_cycle_cntr'"),
        (LOG.replace("247553 (", "-247553 (", 1), "no value of 'ethosu_pmu_cycle_cntr'"),
        (LOG.replace("247553 (", "%llu (", 1), "no value of 'ethosu_pmu_cycle_cntr'"),
        (LOG.replace("247553 (", f"{'9' * 40} (", 1), "no value of 'ethosu_pmu_cycle_cntr'"),
        (report(cycles=0), "make no sense"),
        (report(cycles=7, delegations=0), "make no sense"),
        (report(cycles=7, delegations=3, inferences=2), "make no sense"),
        (report(cycles=7, inferences=0), "make no sense"),
        (LOG + report(cycles=7), "two reports with different values"),
        (LOG.partition("Program complete")[0], "ends before 'Program complete, exiting.'"),
        (
            BEGINNING
            + "E [executorch:EthosUBackend.cpp:260 execute()] EthosUBackend::execute: ethosu_invoke_v3\n"
            + LOG,
            "EthosUBackend::execute",
        ),
        (
            LOG
            + "F [executorch:arm_executor_runner.cpp:1377 main()] In function main(), assert failed (model_ok == true)",
            "assert failed",
        ),
        (BEGINNING + "Hard fault. irqn: 0, type: 3\n", "Hard fault"),
        ("[critical] ethosu: unknown command\n" + LOG, "[critical] ethosu"),
        (
            BEGINNING + "Info: Simulation is stopping. Reason: CPU time has been exceeded.\n",
            "CPU time has been exceeded",
        ),
    ],
)
def test_a_log_that_proves_nothing_gives_no_figures(log: str, said: str) -> None:
    with pytest.raises(SimulationFailed) as failed:
        pmu_report(log.splitlines())
    assert said in str(failed.value) and "\n" not in str(failed.value)


@given(cut=st.integers(0, len(LOG) - 1))
def test_a_log_cut_off_anywhere_gives_the_figures_or_none(cut: int) -> None:
    try:
        assert pmu_report(LOG[:cut].splitlines()) == PmuReport(247553, 2)
    except SimulationFailed:
        assert "Program complete, exiting." not in LOG[:cut]


@given(st.lists(st.text(max_size=80) | st.sampled_from(LOG.splitlines()), max_size=30))
def test_garbage_gives_the_figures_or_none(lines: list[str]) -> None:
    try:
        assert pmu_report(lines) == PmuReport(247553, 2)
    except SimulationFailed as failed:
        assert str(failed)


# The process


class Bench:
    """A folder with a script in the simulator's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = folder / "runner.elf"
        self.runner.write_bytes(b"\x7fELF")
        self.pte, self.log = folder / "a model.pte", folder / "a.log"

    def fvp(self, script: str, target: str = "ethos-u55-128", seconds: float = 30) -> Fvp:
        file = self.folder / "simulator"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return Fvp.find(Target.parse(target), file, self.runner, "0x38000000", seconds)

    def fails(self, fvp: Fvp) -> str:
        with pytest.raises(SimulationFailed) as failed:
            fvp.run(self.pte, self.log)
        assert "\n" not in str(failed.value)
        return str(failed.value)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ethos-u55-256", ["ethosu.num_macs=256", "mps3_board.uart0.shutdown_on_eot=1"]),
        ("ethos-u65-256", ["ethosu.num_macs=256", "mps3_board.uart0.out_file=-"]),
        ("ethos-u85-512", ["mps4_board.subsystem.ethosu.num_macs=512", "vis_hdlcd.disable_visualisation=1"]),
    ],
)
def test_what_the_simulator_is_given(bench: Bench, target: str, words: list[str]) -> None:
    (bench.folder / "said").write_text(LOG)
    fvp = bench.fvp(f'for word in "$@"; do echo "$word"; done; cat "{bench.folder}/said"', target)
    assert fvp.run(bench.pte, bench.log) == PmuReport(247553, 2)
    reported = bench.log.read_text().splitlines()[: -len(LOG.splitlines())]
    assert set(words) < set(reported)
    assert reported[-6:] == ["-a", str(bench.runner), "--data", f"{bench.pte}@0x38000000", "--timelimit", "30"]


def test_a_simulator_that_does_not_stop_is_stopped_with_all_that_it_started(bench: Bench) -> None:
    fvp = bench.fvp("sleep 600 & echo $!; trap '' TERM; wait", seconds=0.5)
    assert bench.fails(fvp) == "it was not through after 0.5 seconds"
    child = int(bench.log.read_text())
    deadline = time.monotonic() + 60
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """A process that nobody has waited for yet is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_simulator_that_fails_gives_no_figures(bench: Bench) -> None:
    assert "no value of 'NPU Inferences'" in bench.fails(bench.fvp(f"kill -{signal.SIGSEGV.value} $$"))
    (bench.folder / "said").write_bytes(np.random.default_rng(0).bytes(300_000))
    assert "no value of 'NPU Inferences'" in bench.fails(bench.fvp(f'cat "{bench.folder}/said"'))
    (bench.folder / "said").write_text(LOG)
    assert bench.fails(bench.fvp(f'cat "{bench.folder}/said"; exit 7')) == "simulator ended with status 7"
    no_program = bench.fvp("")
    no_program.executable.write_bytes(b"\x7fELF, or so it says")
    assert "cannot be started" in bench.fails(no_program)


def test_what_is_missing_is_reported_with_what_to_install(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(bench.folder))

    def message(target: str, fvp: Path | None, runner: Path) -> str:
        with pytest.raises(ModelError) as error:
            Fvp.find(Target.parse(target), fvp, runner, "0x38000000", 1)
        assert "docs/fvp.md" in str(error.value) and "\n" not in str(error.value)
        return str(error.value)

    for target, name, corstone in (
        ("ethos-u55-128", "FVP_Corstone_SSE-300_Ethos-U55", "Corstone-300"),
        ("ethos-u65-512", "FVP_Corstone_SSE-300_Ethos-U65", "Corstone-300"),
        ("ethos-u85-256", "FVP_Corstone_SSE-320", "Corstone-320"),
    ):
        missing = message(target, None, bench.runner)
        assert f"{name} is not on the PATH; install Arm's {corstone} FVP (https://developer.arm.com/" in missing
        (bench.folder / name).write_text("#!/bin/sh\n")
        (bench.folder / name).chmod(0o755)
        assert Fvp.find(Target.parse(target), None, bench.runner, "0x38000000", 1).executable.name == name
    assert "--fvp nowhere cannot be run" in message("ethos-u55-128", Path("nowhere"), bench.runner)
    no_elf = message("ethos-u85-256", None, Path(os.devnull))
    assert "not an ELF file; build ExecuTorch's runner with" in no_elf
    assert "--pte=0x38000000 --target=ethos-u85-256 --system_config=Ethos_U85_SYS_DRAM_Mid --memory_mode=" in no_elf
    assert "No such file" in message("ethos-u85-256", None, bench.folder / "absent.elf")
