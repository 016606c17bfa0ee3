"""Convolutions of a recipe by the real kernels: `python -m benchmarks.cortex_m.kernels MODEL --cmsis-nn FOLDER`.

Lowers a model by a recipe, runs it in Python, and has every convolution computed again by CMSIS-NN under QEMU. Prints
the kernel's status, the values that differ, and its executed instructions beside the predicted ones. Needs a checkout
of CMSIS-NN, and Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click
import torch
from torch.fx import GraphModule, Interpreter, Node

from benchmarks.markdown import row
from search_space.recipe.recipe import Recipe
from tuner.paths import cache_folder
from workers.backend.job import Job
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.cost.price import kernel_instructions
from workers.cortex_m.cost.view import call_of, operator_of
from workers.cortex_m.count.region import count_region
from workers.cortex_m.passes.kernel_nodes import CONVOLUTION, DEPTHWISE
from workers.cortex_m.target import InstructionSet, Target

_COMPILER = "arm-none-eabi-gcc"
_SOURCES = (
    "ConvolutionFunctions/*_s8*.c", "NNSupportFunctions/*_s8*.c", "NNSupportFunctions/arm_nntables.c",
    "TransposeFunctions/arm_transpose_s8.c",
)  # fmt: skip
_FLAGS = {
    InstructionSet.MVE: ("-mcpu=cortex-m55", "-mfloat-abi=hard"),
    InstructionSet.DSP: ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
}
#: What fits the machines of QEMU that the counter uses for the two processors.
_LINKED = """
MEMORY { FLASH (rx) : ORIGIN = 0x0, LENGTH = 512K  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 448K }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .data : { *(.data*) } > RAM
  .bss : { *(.bss*) *(COMMON) } > RAM
  stack_top = ORIGIN(RAM) + LENGTH(RAM);
}
"""
#: The floating-point unit, which MVE belongs to, is off after a reset. The program ends by a semihosting exit.
_PROGRAM = """
#include "arm_nnfunctions.h"
extern uint32_t stack_top;
%(arrays)s
static int8_t found[sizeof expected];
static int64_t scratch[24576];
static void leave(uint32_t code) {
    uint32_t told[2] = {0x20026, code};
    __asm volatile("mov r0, #0x20\\n mov r1, %%0\\n bkpt 0xab" ::"r"(told) : "r0", "r1", "memory");
    for (;;) {}
}
__attribute__((noinline)) void run(void) {
    cmsis_nn_context context = {scratch, sizeof scratch};
    %(params)s
    cmsis_nn_per_channel_quant_params scales = {(int32_t *)multipliers, (int32_t *)shifts};
    cmsis_nn_dims image_dims = {%(image)s}, kernel_dims = {%(kernel)s}, bias_dims = {1, 1, 1, %(outs)d},
                  found_dims = {%(found)s};
    __asm volatile("dbg #1" ::: "memory");
    int status = %(function)s(&context, &params, &scales, &image_dims, image, &kernel_dims, kernel, &bias_dims,
                              bias, &found_dims, found);
    __asm volatile("dbg #2" ::: "memory");
    uint32_t differing = 0;
    for (uint32_t at = 0; at < sizeof expected; at++) differing += found[at] != expected[at];
    leave(status ? 2 : differing != 0);
}
__attribute__((naked)) void reset(void) {
    __asm volatile("ldr r0, =0xE000ED88\\n ldr r1, [r0]\\n orr r1, #0xf00000\\n str r1, [r0]\\n dsb\\n isb\\n bl run");
}
__attribute__((section(".vectors"), used)) static void *const vectors[] = {&stack_top, (void *)reset, (void *)leave};
"""
_OUTCOMES = {0: "equal", 1: "other values", 2: "the kernel fails"}
_MACHINES = {InstructionSet.MVE: "mps3-an547", InstructionSet.DSP: "mps2-an386"}


@click.command()
@click.argument("model")
@click.option("--target", default="cortex-m55", show_default=True)
@click.option("--recipe", default="default", show_default=True)
@click.option(
    "--count/--no-count", default=True, show_default=True, help="instructions, which takes a second per million"
)
@click.option("--cmsis-nn", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
def cortex_m_kernels(model: str, target: str, recipe: str, count: bool, cmsis_nn: Path) -> None:
    """Compute every convolution of MODEL by a recipe with the kernels of CMSIS-NN."""
    job = Job(model, Target.parse(target), cache_folder(), seed=0)
    base = BACKEND.lower(job)
    programs = BACKEND.programs(job, base)
    program = programs.lowered(programs.by(Recipe.parse(recipe)))
    calls = _Calls(program.module(check_guards=False))
    with torch.no_grad():
        calls.run(*base.samples[0])
    header = ("operator", "image", "kernel", "outcome", "instructions (simulated)", "instructions (predicted)")
    click.echo("\n".join(row(*header, header=True)))
    with tempfile.TemporaryDirectory() as folder:
        library = _library(cmsis_nn, job.target.instruction_set, Path(folder))
        for node, arguments, result in calls.seen:
            program_file = _built(_source(node, arguments, result), job.target.instruction_set, cmsis_nn, library)
            shapes = ["x".join(map(str, one.shape)) for one in arguments[:2]]
            counted = f"{count_region(program_file, job.target).instructions:,}" if count else ""
            call = call_of(node)
            predicted = kernel_instructions(call, job.target.instruction_set) if call is not None else None
            told = "uncosted" if predicted is None else f"{predicted:,.0f}"
            outcome = _outcome(program_file, job.target.instruction_set)
            click.echo("\n".join(row(operator_of(node), *shapes, outcome, counted, told)))


class _Calls(Interpreter):
    """Runs a program and keeps what its convolutions were called with, and gave."""

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.seen: list[tuple[Node, tuple[Any, ...], torch.Tensor]] = []

    def run_node(self, n: Node) -> Any:
        result = super().run_node(n)
        if n.op == "call_function" and operator_of(n) in (CONVOLUTION, DEPTHWISE):
            self.seen.append((n, self.fetch_args_kwargs_from_env(n)[0], result))
        return result


def _library(cmsis_nn: Path, instruction_set: InstructionSet, folder: Path) -> Path:
    """The kernels, compiled as the counted ones were."""
    sources = sorted({one for pattern in _SOURCES for one in (cmsis_nn / "Source").glob(pattern)})
    wanted = [one for one in sources if not any(kind in one.name for kind in ("f16", "f32"))]
    options = ("-mthumb", "-Ofast", "-w", "-ffunction-sections", "-fdata-sections")
    subprocess.run(
        [_COMPILER, *_FLAGS[instruction_set], *options, *_included(cmsis_nn), "-c", *wanted], cwd=folder, check=True
    )
    library = folder / "kernels.a"
    subprocess.run(["arm-none-eabi-ar", "rcs", library, *folder.glob("*.o")], check=True)
    return library


def _built(text: str, instruction_set: InstructionSet, cmsis_nn: Path, library: Path) -> Path:
    """A program for the machine."""
    source, script, program = (library.with_name(name) for name in ("call.c", "call.ld", "call.elf"))
    source.write_text(text, encoding="utf-8")
    script.write_text(_LINKED, encoding="utf-8")
    options = ("-mthumb", "-O2", "-w", "-ffunction-sections", "-fdata-sections", "-nostartfiles", "-Wl,--gc-sections")
    files = ("-T", script, source, library, "-lc", "-lgcc", "-o", program)
    flags = _FLAGS[instruction_set]
    subprocess.run([_COMPILER, *flags, *options, *_included(cmsis_nn), *files], check=True)
    return program


def _outcome(program: Path, instruction_set: InstructionSet) -> str:
    machine = ("-M", _MACHINES[instruction_set], "-nographic", "-monitor", "none", "-serial", "null")
    semihosting = ("-semihosting-config", "enable=on,target=native", "-kernel", program)
    code = subprocess.run(["qemu-system-arm", *machine, *semihosting], timeout=300, check=False).returncode
    return _OUTCOMES.get(code, f"exit code {code}")


def _included(cmsis_nn: Path) -> tuple[str, ...]:
    return f"-I{cmsis_nn}/Include", f"-I{cmsis_nn}/Include/Internal"


def _source(node: Node, arguments: tuple[Any, ...], result: torch.Tensor) -> str:
    """A program that makes one call."""
    depthwise = operator_of(node) == DEPTHWISE
    image, kernel, bias, stride, padding, dilation, *rest = arguments
    multiplier, rest = (rest[0], rest[1:]) if depthwise else (0, rest)
    offset, zero, multipliers, shifts, least, most = rest[:6]
    values = {
        "input_offset": offset, "output_offset": zero, "stride.h": stride[0], "stride.w": stride[1],
        "padding.h": padding[0], "padding.w": padding[1], "dilation.h": dilation[0], "dilation.w": dilation[1],
        "activation.min": least, "activation.max": most, **({"ch_mult": multiplier} if depthwise else {}),
    }  # fmt: skip
    arrays = [
        _array("int8_t", "image", image),
        _array("int8_t", "kernel", kernel),
        _array("int8_t", "expected", result),
    ]
    arrays += [_array("int32_t", "multipliers", multipliers), _array("int32_t", "shifts", shifts)]
    arrays.append("static const int32_t *bias = 0;" if bias is None else _array("int32_t", "bias", bias))
    kind = "dw_conv" if depthwise else "conv"
    params = " ".join(f"params.{name} = {int(value)};" for name, value in values.items())
    return _PROGRAM % {
        "arrays": "\n".join(arrays),
        "params": f"cmsis_nn_{kind}_params params; {params}",
        "image": ", ".join(map(str, image.shape)),
        "kernel": ", ".join(map(str, kernel.shape)),
        "found": ", ".join(map(str, result.shape)),
        "outs": result.shape[3],
        "function": "arm_depthwise_conv_wrapper_s8" if depthwise else "arm_convolve_wrapper_s8",
    }


def _array(kind: str, name: str, values: torch.Tensor) -> str:
    return f"static const {kind} {name}[] = {{{', '.join(map(str, values.flatten().tolist()))}}};"


if __name__ == "__main__":
    cortex_m_kernels()
