"""Seconds of processor and clock that running a `.pte` takes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.correctness.proofs.proof import Seconds
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.files.run_pte.random_inputs import random_inputs
from workers.ethos_u.npu_model import NpuProgram
from workers.pool.worker_process import environment


@dataclass(frozen=True)
class ProcessSeconds:
    """Of a process: by the clock, and CPU."""

    wall: float
    cpu: float


def process_seconds(file: Path) -> ProcessSeconds:
    """Of `velatune run` of a file, on one core. Raises ClickException with its last words if it fails."""
    started, before = time.perf_counter(), _cpu_of_children()
    command = [sys.executable, "-P", "-m", "tuner.cli", "run", str(file)]
    ended = subprocess.run(command, env=os.environ | environment(), capture_output=True, text=True, check=False)
    seconds = ProcessSeconds(time.perf_counter() - started, _cpu_of_children() - before)
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise click.ClickException(f"velatune run {file} failed: {said[-1]}")
    return seconds


def execution_seconds(file: Path) -> Seconds:
    """CPU seconds of running a file in this process, whatever that imports left out. Raises ModelError."""
    program = PteProgram.read(file)
    inputs = random_inputs(program.inputs(), 0)
    program.run(inputs, run_delegate=_not_executed)
    taken = []
    for _ in range(2):
        started = time.process_time()
        program.run(inputs)
        taken.append(time.process_time() - started)
    return Seconds(*taken)


def _not_executed(number: int, program: NpuProgram, inputs: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    return [np.zeros(one.bytes, np.int8) for one in program.outputs]


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
