"""Runs an ELF file under QEMU.

It counts what is executed between `DBG #1` and `DBG #2`, which do nothing elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from workers.cortex_m.count.classes import InstructionClass, class_of
from workers.cortex_m.count.elf import Code, read_code
from workers.cortex_m.target import Target
from workers.errors import ModelError

QEMU = "qemu-system-arm"
_MACHINES = {
    "cortex-m55": "mps3-an547",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
}
_BEGIN, _END = (0xF3AF, 0x80F1), (0xF3AF, 0x80F2)
#: A line of QEMU's log per executed instruction; the second field is its address.
_EXECUTED = re.compile(rb"Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")


@dataclass(frozen=True)
class RegionCount:
    """Instructions that were executed in the marked region.

    Attributes:
        instructions: executed between the markers, without them, over all visits.
        by_class: the same by class.
        visits: how often the region was entered.
    """

    instructions: int
    by_class: Mapping[InstructionClass, int]
    visits: int


def count_region(elf: Path, target: Target, qemu: str = QEMU, timeout_seconds: float = 300.0) -> RegionCount:
    """Executed instructions of the marked region of a program.

    The program ends by itself, by a semihosting exit. Counts are exact, equal from run to run, and no cycles.

    Args:
        elf: a bare-metal program for the target, linked to where its machine starts: 0, or 0x10000000 on Cortex-M33.
            It marks the region by `__asm volatile("dbg #1")` and `__asm volatile("dbg #2")`.
        target: QEMU has no machine for Cortex-M85.
        qemu: the program to run.
        timeout_seconds: the emulation is ended then.

    Returns:
        What was executed.

    Raises:
        ModelError: the file is none, QEMU is missing or fails, nothing was counted, or time is over.
    """
    machine = _MACHINES.get(target.cpu)
    if machine is None:
        raise ModelError(f"QEMU has no machine with a {target.cpu}; count on {target.counted_on}")
    program = shutil.which(qemu)
    if program is None:
        raise ModelError(f"{qemu} is not installed; Debian has it in the package qemu-system-arm")
    code = read_code(elf)
    command = [
        program, "-M", machine, "-nographic", "-monitor", "none", "-serial", "null",
        "-semihosting-config", "enable=on,target=native", "-kernel", str(elf), "-singlestep", "-d", "exec,nochain",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        timer = Timer(timeout_seconds, process.kill)
        timer.start()
        try:
            assert process.stderr is not None
            counted, others = _counted(process.stderr, code)
        finally:
            timer.cancel()
            process.kill()
    if counted.visits == 0:
        output = f"; {qemu} said: {others}" if others else ""
        raise ModelError(f"{elf}: no region between DBG #1 and DBG #2 was executed to its end{output}")
    return counted


def _counted(log: Iterable[bytes], code: Code) -> tuple[RegionCount, str]:
    """What a log tells of the region, and the last line of it that is no executed instruction."""
    by_address: Counter[int] = Counter()
    pending: Counter[int] = Counter()
    kinds: dict[int, tuple[int, int]] = {}
    visits, inside, others = 0, False, ""
    for line in log:
        match = _EXECUTED.match(line)
        if match is None:
            others = line.decode(errors="replace").strip() or others
            continue
        address = int(match[1], 16)
        if address not in kinds:
            kinds[address] = code.word(address)
        if kinds[address] == _BEGIN:
            inside, pending = True, Counter()
        elif kinds[address] == _END and inside:
            by_address, inside, visits = by_address + pending, False, visits + 1
        elif inside:
            pending[address] += 1
    by_class: Counter[InstructionClass] = Counter()
    for address, times in by_address.items():
        by_class[class_of(*kinds[address])] += times
    return RegionCount(by_address.total(), by_class, visits), others
