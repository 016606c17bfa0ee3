"""Whole `.pte` files with the real kernels under QEMU: `python -m benchmarks.cortex_m.files MODEL [--recipe RECIPE]...`

Lowers a model by recipes, and runs each file once with ExecuTorch's runtime, its portable kernels and CMSIS-NN. Prints
how many values of the outputs differ from those that Python computes, and the counted instructions beside the predicted
ones. The first run downloads the pinned sources and compiles them, which takes some ten minutes for a class of
processors. Needs git, and Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi, libstdc++-arm-none-eabi-newlib and
qemu-system-arm.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.cortex_m.firmware.build import Build
from benchmarks.cortex_m.firmware.sources import PINNED, checked_out
from benchmarks.markdown import row
from search_space.recipe.recipe import Recipe
from tuner.paths import cache_folder
from workers import tasks
from workers.backend.job import Job
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.target import InstructionSet, Target

_MACHINES = {InstructionSet.MVE: "mps3-an547", InstructionSet.DSP: "mps2-an386"}
#: Instructions per tick of the machines' timers, where an instruction takes 1 ns: they run at 32 and 25 MHz.
_PER_TICK = {InstructionSet.MVE: 31.25, InstructionSet.DSP: 40.0}
_SECONDS = 600


@click.command()
@click.argument("model")
@click.option("--target", default="cortex-m55", show_default=True)
@click.option("--recipe", "recipes", multiple=True, default=("default",), help="may be repeated  [default: default]")
@click.option("--io-layout", type=click.Choice(["nchw", "nhwc"]), help="as of velatune tune")
@click.option("--executorch", type=click.Path(path_type=Path, exists=True), help="a checkout  [default: downloaded]")
@click.option("--cmsis-nn", type=click.Path(path_type=Path, exists=True), help="a checkout  [default: downloaded]")
def cortex_m_files(
    model: str, target: str, recipes: tuple[str, ...], io_layout: str | None, executorch: Path | None,
    cmsis_nn: Path | None,
) -> None:  # fmt: skip
    """Run the `.pte` files of MODEL by RECIPES with the kernels of CMSIS-NN."""
    tasks.warm_up()
    job = Job(model, Target.parse(target), cache_folder(), seed=0, io_layout=io_layout)  # type: ignore[arg-type]
    kept = cache_folder() / "cortex-m-files"
    sources = [given or checked_out(name, kept) for given, name in zip((executorch, cmsis_nn), PINNED, strict=True)]
    program = Build(sources[0], sources[1], kept, job.target.instruction_set).program()
    base = BACKEND.lower(job)
    programs = BACKEND.programs(job, base)
    header = ("model", "recipe", "outputs", "instructions (simulated)", "instructions (predicted)", "uncosted")
    click.echo("\n".join(row(*header, header=True)))
    inputs = base.samples[0]
    for recipe in recipes:
        candidate = programs.by(Recipe.parse(recipe))
        cost = programs.cost(candidate)
        found = _outcome(program, programs.file(candidate).content, inputs, programs.outputs(candidate, inputs), job)
        told = f"{cost['instructions']:,}", str(cost["uncosted"])
        click.echo("\n".join(row(model, f"`{recipe}`", *found, *told)))


def _outcome(
    program: Path, content: bytes, inputs: tuple[torch.Tensor, ...], expected: tuple[torch.Tensor, ...],
    job: Job[Target],
) -> tuple[str, str]:  # fmt: skip
    """What came of a file, in words, and its instructions."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "model.pte").write_bytes(content)
        for number, one in enumerate(inputs):
            (folder / f"input{number}.bin").write_bytes(_in_memory(one).tobytes())
        machine = ("-M", _MACHINES[job.target.instruction_set], "-nographic", "-monitor", "none", "-serial", "null")
        semihosting = ("-semihosting-config", "enable=on,target=native", "-kernel", program)
        done = subprocess.run(
            ("qemu-system-arm", *machine, "-icount", "shift=0", *semihosting), cwd=folder, capture_output=True,
            text=True, errors="replace", timeout=_SECONDS, check=False,
        )  # fmt: skip
        said = done.stdout.strip().rpartition("\n")[2]
        if done.returncode:
            return f"status {done.returncode}, {said}", ""
        differing = 0
        for number, values in enumerate(map(_in_memory, expected)):
            found = np.frombuffer((folder / f"output{number}.bin").read_bytes(), dtype=values.dtype)
            differing += int((found != values.ravel()).sum())
    count = sum(one.numel() for one in expected)
    counted = round(int(said.removeprefix("ticks ")) * _PER_TICK[job.target.instruction_set])
    return f"{differing} of {count} values differ" if differing else "equal", f"{counted:,}"


def _in_memory(tensor: torch.Tensor) -> np.ndarray:
    """Its values as they lie in memory."""
    return tensor.permute(tensor.dim_order()).contiguous().numpy()


if __name__ == "__main__":
    cortex_m_files()
