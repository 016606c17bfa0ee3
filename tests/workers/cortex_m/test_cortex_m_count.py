"""The counter of executed instructions, on a kernel of our own that the distribution's compiler builds."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import support
from click.testing import CliRunner

from tuner.cli import cli
from workers.cortex_m.count.classes import InstructionClass, class_of
from workers.cortex_m.count.elf import read_code
from workers.cortex_m.count.region import QEMU, count_region
from workers.cortex_m.target import Target
from workers.errors import ModelError

KERNEL = Path(support.__file__).parent / "cortex_m_kernel"
COMPILER = "arm-none-eabi-gcc"
LENGTH = 64  # of the vectors in kernel.c

needs_toolchain = pytest.mark.skipif(
    shutil.which(COMPILER) is None or shutil.which(QEMU) is None,
    reason=f"{COMPILER} and {QEMU} count a kernel; Debian: gcc-arm-none-eabi, qemu-system-arm",
)


def built(folder: Path, cpu: str, visits: int = 1) -> Path:
    """The kernel as a program for a processor without MVE and floating point, so that its loop is known."""
    out = folder / "kernel.elf"
    options = ["-O2", "-fno-unroll-loops", "-fno-tree-vectorize", "-nostdlib", "-nostartfiles", "-ffreestanding"]
    cpus = [f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=soft", f"-DVISITS={visits}"]
    files = ["-T", str(KERNEL / "kernel.ld"), str(KERNEL / "kernel.c"), "-o", str(out)]
    subprocess.run([COMPILER, *cpus, *options, *files], check=True)
    return out


@needs_toolchain
@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m7"])
def test_a_kernel_is_counted_exactly(tmp_path: Path, cpu: str) -> None:
    target = Target.parse(cpu)
    once = count_region(built(tmp_path, cpu), target)
    assert once == count_region(built(tmp_path, cpu), target)
    # Every round loads two values and multiplies once; calls and their stack are beside the loop.
    assert once.by_class[InstructionClass.MULTIPLY] == LENGTH
    assert 2 * LENGTH <= once.by_class[InstructionClass.LOAD] <= 2 * LENGTH + 8
    assert sum(once.by_class.values()) == once.instructions
    assert 4 * LENGTH <= once.instructions <= 7 * LENGTH
    assert once.visits == 1


@needs_toolchain
def test_every_visit_of_the_region_counts(tmp_path: Path) -> None:
    target = Target.parse("cortex-m4")
    once, thrice = (count_region(built(tmp_path, "cortex-m4", visits), target) for visits in (1, 3))
    assert thrice.visits == 3
    assert thrice.instructions == pytest.approx(3 * once.instructions, abs=9)
    assert thrice.by_class[InstructionClass.MULTIPLY] == 3 * LENGTH


@needs_toolchain
def test_a_program_without_a_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no region between DBG #1 and DBG #2"):
        count_region(built(tmp_path, "cortex-m4", visits=0), Target.parse("cortex-m4"))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no machine with a cortex-m85; count on cortex-m55"):
        count_region(tmp_path / "none.elf", Target.parse("cortex-m85"))
    with pytest.raises(ModelError, match="no-such-qemu is not installed"):
        count_region(tmp_path / "none.elf", Target.parse("cortex-m4"), qemu="no-such-qemu")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"MZ" * 60, b"\x7fELF\x02\x01" + bytes(80)])
def test_what_is_no_program_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ModelError, match="ELF file"):
        read_code(tmp_path / "file")


@needs_toolchain
def test_the_command_prints_what_was_counted(tmp_path: Path) -> None:
    program = built(tmp_path, "cortex-m4", visits=2)
    counted = count_region(program, Target.parse("cortex-m4"))
    asked = ["count", str(program), "--target", "cortex-m4"]
    reported = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).output)
    assert (reported["instructions"], reported["visits"], reported["label"]) == (counted.instructions, 2, "simulated")
    assert sum(reported["by_class"].values()) == counted.instructions
    first, *classes = CliRunner().invoke(cli, asked).output.splitlines()
    assert first == f"{counted.instructions:,} instructions (simulated) in 2 visits of the region"
    assert f"{counted.by_class[InstructionClass.LOAD]:,}  load" in map(str.strip, classes)


def test_the_command_says_that_qemu_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(cli, ["count", "kernel.elf", "--target", "cortex-m4"])
    assert isinstance(result.exception, ModelError)
    assert str(result.exception) == "qemu-system-arm is not installed; Debian has it in the package qemu-system-arm"


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (0xF913, 0xEF01, InstructionClass.LOAD),  # ldrsb.w lr, [r3, #1]!
        (0xFB1E, 0x000C, InstructionClass.MULTIPLY),  # smlabb
        (0xD1F7, 0, InstructionClass.BRANCH),  # bne.n
        (0xF7FF, 0xFFD6, InstructionClass.BRANCH),  # bl
        (0xB500, 0, InstructionClass.STORE),  # push {lr}
        (0xF85D, 0xFB04, InstructionClass.LOAD),  # ldr.w pc, [sp], #4
        (0xF803, 0x2F01, InstructionClass.STORE),  # strb.w
        (0xF3AF, 0x80F1, InstructionClass.OTHER),  # dbg #1
        (0xF04F, 0x0018, InstructionClass.OTHER),  # mov.w r0, #24
        (0x441A, 0, InstructionClass.OTHER),  # add r2, r3
        (0xF00F, 0xC00D, InstructionClass.LOOP),  # le lr, label
        (0xF01F, 0xC01B, InstructionClass.LOOP),  # letp
        (0xF003, 0xE001, InstructionClass.LOOP),  # dlstp.8 lr, r3
        (0xEC92, 0x1E00, InstructionClass.VECTOR),  # vldrb
        (0xFB91, 0xF0F3, InstructionClass.OTHER),  # sdiv
        (0x4353, 0, InstructionClass.MULTIPLY),  # muls r3, r2
    ],
)
def test_an_instruction_has_a_class(first: int, second: int, kind: InstructionClass) -> None:
    assert class_of(first, second) is kind
