"""Compiles the program, file by file; what is compiled already stays."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from workers.cortex_m.target import InstructionSet

_OWN = Path(__file__).parent
_SITE = Path(sysconfig.get_path("purelib"))

FLAGS = {
    InstructionSet.MVE: ("-mcpu=cortex-m55", "-mfloat-abi=hard", "-mthumb"),
    InstructionSet.DSP: ("-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-mthumb"),
}
#: Start and size of the memories for code and for data, on the machines that the counter uses.
_MEMORIES = {
    InstructionSet.MVE: ("0x01000000", "2M", "0x60000000", "64M"),
    InstructionSet.DSP: ("0x00000000", "4M", "0x21000000", "16M"),
}
_LINKED = """
MEMORY {{
  VECTORS (rx) : ORIGIN = 0x0, LENGTH = 1K
  CODE (rwx) : ORIGIN = {0} + 0x400, LENGTH = {1} - 0x400
  DATA (rwx) : ORIGIN = {2}, LENGTH = {3}
}}
ENTRY(reset)
SECTIONS {{
  .vectors : {{ KEEP(*(.vectors)) }} > VECTORS
  .text : {{
    *(.text*) *(.rodata*) . = ALIGN(8); KEEP(*(.init)) KEEP(*(.fini))
    __preinit_array_start = .; KEEP(*(.preinit_array)) __preinit_array_end = .;
    __init_array_start = .; KEEP(*(SORT(.init_array.*))) KEEP(*(.init_array)) __init_array_end = .;
    __fini_array_start = .; KEEP(*(.fini_array)) __fini_array_end = .;
  }} > CODE
  .ARM.extab : {{ *(.ARM.extab*) }} > CODE
  __exidx_start = .; .ARM.exidx : {{ *(.ARM.exidx*) }} > CODE __exidx_end = .;
  .data : {{ *(.data*) . = ALIGN(8); }} > DATA
  .bss (NOLOAD) : {{ __bss_start__ = .; *(.bss*) *(COMMON) . = ALIGN(8); __bss_end__ = .; }} > DATA
  end = .; __end__ = .;
  stack_top = ORIGIN(DATA) + LENGTH(DATA); __stack = stack_top;
}}
"""

#: Portable operators that models of the table leave in their files; each takes a while to compile.
_PORTABLE = (
    "_softmax.out", "abs.out", "add.out", "addmm.out", "arange.start_out", "cat.out", "constant_pad_nd.out",
    "convolution.out", "index.Tensor_out", "mean.out", "mul.out", "permute_copy.out", "pow.Tensor_Scalar_out",
    "relu.out", "select_copy.int_out", "sigmoid.out", "slice_copy.Tensor_out", "split_copy.Tensor_out",
    "split_with_sizes_copy.out", "sqrt.out", "sub.out", "tanh.out", "upsample_nearest2d.vec_out", "view_copy.out",
)  # fmt: skip
_RUNTIME = (
    "runtime/core/*.cpp", "runtime/core/exec_aten/util/*portable*.cpp",
    "runtime/core/exec_aten/util/tensor_shape_to_c_string.cpp", "runtime/core/portable_type/*.cpp",
    "runtime/executor/*.cpp", "runtime/kernel/*.cpp", "runtime/platform/*.cpp", "runtime/platform/default/minimal.cpp",
    "runtime/backend/*.cpp", "schema/*.cpp", "kernels/portable/cpu/util/*.cpp", "kernels/portable/cpu/pattern/*.cpp",
    "backends/cortex_m/ops/*.cpp",
)  # fmt: skip
_CMSIS_NN = ("*Functions/*_s8*.c", "*Functions/*_s16*.c", "NNSupportFunctions/*.c", "PadFunctions/*.c")
#: Parts of names of files that are for another platform, for training, or for operators that no model has.
_WITHOUT = (
    "tensor_parser_aten",
    "grid_sampler",
    "distance",
    "stack_util",
    "repeat_util",
    "merged_data",
    "_f16",
    "_f32",
)


@dataclass(frozen=True)
class Build:
    """Attributes:
    executorch, cmsis_nn: checkouts.
    folder: of what is generated and compiled.
    instruction_set: to compile for.
    """

    executorch: Path
    cmsis_nn: Path
    folder: Path
    instruction_set: InstructionSet

    def program(self) -> Path:
        """The linked program, compiled as the counted kernels were. Raises CalledProcessError."""
        generated = self._generated()
        objects = self.folder / self.instruction_set.value
        objects.mkdir(exist_ok=True)
        made = [self._compiled(one, objects) for one in self._sources(generated)]
        script, program = objects / "machine.ld", objects / "runner.elf"
        script.write_text(_LINKED.format(*_MEMORIES[self.instruction_set]), encoding="utf-8")
        options = ("-Ofast", "-T", str(script), "-Wl,--gc-sections", "--specs=rdimon.specs", "-o", str(program))
        command = ("arm-none-eabi-g++", *FLAGS[self.instruction_set], *map(str, made), *options)
        subprocess.run(command, check=True)
        return program

    def _generated(self) -> Path:
        """The folder of ExecuTorch's generated registrations and of its file format."""
        generated, headers = self.folder / "generated", self.folder / "include"
        if (generated / ".complete").exists():
            return generated
        for folder in (generated, headers / "schema" / "executorch" / "schema"):
            folder.mkdir(parents=True, exist_ok=True)
        (headers / "executorch").unlink(missing_ok=True)
        (headers / "executorch").symlink_to(self.executorch.resolve())
        own = _SITE / "executorch" / "backends" / "cortex_m" / "ops" / "operators.yaml"
        named = [str(one["func"]).partition("(")[0] for one in yaml.safe_load(own.read_text(encoding="utf-8"))]
        chosen = [*(f"aten::{one}" for one in _PORTABLE), "dim_order_ops::_clone_dim_order.out", *named]
        selected, aten = generated / "selected.yaml", _SITE / "torchgen" / "packaged" / "ATen" / "native"
        self._python("tools.gen_oplist", f"--output_path={selected}", f"--root_ops={','.join(chosen)}")
        self._python(
            "gen", f"--source-path={self.executorch / 'codegen'}", f"--install-dir={generated}",
            f"--tags-path={aten / 'tags.yaml'}", f"--aten-yaml-path={aten / 'native_functions.yaml'}",
            f"--op-selection-yaml-path={selected}", f"--custom-ops-yaml-path={own}",
            f"--functions-yaml-path={self.executorch / 'kernels/portable/functions.yaml'}",
        )  # fmt: skip
        schema = headers / "schema" / "executorch" / "schema"
        formats = (self.executorch / "schema" / name for name in ("program.fbs", "scalar_type.fbs"))
        flatc = str(_SITE / "executorch" / "data" / "bin" / "flatc")
        options = ("--cpp", "--cpp-std", "c++11", "--gen-mutable", "--scoped-enums", "-o")
        subprocess.run((flatc, *options, str(schema), *map(str, formats)), check=True)
        for header in schema.glob("*.h"):  # the library's headers in the environment are of a later version
            text = re.sub(r"static_assert\(FLATBUFFERS_VERSION_MAJOR.*?;", "", header.read_text(), flags=re.DOTALL)
            header.write_text(text, encoding="utf-8")
        (generated / ".complete").touch()
        return generated

    def _python(self, module: str, *arguments: str) -> None:
        subprocess.run((sys.executable, "-m", f"executorch.codegen.{module}", *arguments), check=True)

    def _sources(self, generated: Path) -> Iterator[Path]:
        found = [one for pattern in _RUNTIME for one in sorted(self.executorch.glob(pattern))]
        names = {one.partition(".")[0].lstrip("_") for one in _PORTABLE} | {"clone_dim_order"}
        portable = sorted((self.executorch / "kernels/portable/cpu").glob("op_*.cpp"))
        found += [one for one in portable if one.stem.removeprefix("op_").lstrip("_") in names]
        found += sorted({one for pattern in _CMSIS_NN for one in (self.cmsis_nn / "Source").glob(pattern)})
        yield from (one for one in found if not any(part in one.name for part in _WITHOUT))
        yield generated / "RegisterCodegenUnboxedKernels_0.cpp"
        yield from (_OWN / name for name in ("runner.cpp", "nhwc.cpp", "start.c"))

    def _compiled(self, source: Path, objects: Path) -> Path:
        made = objects / f"{re.sub('[/.]', '_', str(source)[-120:])}.o"
        if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
            return made
        include = self.folder / "include"
        folders = (
            include, include / "schema", self.executorch / "runtime/core/portable_type/c10", _SITE / "include",
            self.folder / "generated", self.cmsis_nn / "Include", self.cmsis_nn / "Include/Internal",
        )  # fmt: skip
        compiler = ("gcc", "-std=gnu11") if source.suffix == ".c" else ("g++", "-std=c++17", "-fno-rtti")
        flags = (*FLAGS[self.instruction_set], "-Ofast", "-w", "-ffunction-sections", "-fdata-sections")
        defined = ("-fno-exceptions", "-DC10_USING_CUSTOM_GENERATED_MACROS", "-DET_MIN_LOG_LEVEL=Error")
        more = (*defined, "-DFLATBUFFERS_LOCALE_INDEPENDENT=0", *(f"-I{one}" for one in folders))
        tool, *standard = compiler
        part = made.with_suffix(".part")
        subprocess.run((f"arm-none-eabi-{tool}", *standard, *flags, *more, "-c", source, "-o", part), check=True)
        part.replace(made)
        return made
