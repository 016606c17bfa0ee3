"""Whole `.pte` files with the real kernels under QEMU: `python -m benchmarks.cortex_m.files MODEL [--recipe RECIPE]...`

Lowers a model by recipes, and runs each file once with ExecuTorch's runtime, its portable kernels and CMSIS-NN. Without
recipes it takes the default lowering and the best that the store knows. Prints how many values of the outputs differ
from those that Python computes, what the guards say, and the counted instructions beside the predicted ones.

The first run downloads the pinned sources and compiles them, which takes some ten minutes for a class of processors.
Needs git, and Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi, libstdc++-arm-none-eabi-newlib and qemu-system-arm.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.cortex_m.firmware.build import Build
from benchmarks.cortex_m.firmware.sources import PINNED, checked_out
from benchmarks.markdown import row
from results.store.store import Store
from search_space.recipe.recipe import Recipe
from tuner.commands.options import store_option
from tuner.deploy.ask import identity_for
from tuner.paths import cache_folder
from tuner.tuning.objective import Objective
from workers import tasks
from workers.backend.job import Job
from workers.cortex_m.backend import BACKEND
from workers.cortex_m.target import InstructionSet, Target
from workers.errors import one_line

_MACHINES = {InstructionSet.MVE: "mps3-an547", InstructionSet.DSP: "mps2-an386"}
#: Instructions per tick of the machines' timers, where an instruction takes 1 ns: they run at 32 and 25 MHz.
_PER_TICK = {InstructionSet.MVE: 31.25, InstructionSet.DSP: 40.0}
_SECONDS = 600


@click.command()
@click.argument("model")
@click.option("--target", default="cortex-m55", show_default=True)
@click.option(
    "--recipe", "recipes", multiple=True, help="may be repeated  [default: the default lowering, and the best known]"
)
@store_option
@click.option("--io-layout", type=click.Choice(["nchw", "nhwc"]), help="as of velatune tune")
@click.option("--executorch", type=click.Path(path_type=Path, exists=True), help="a checkout  [default: downloaded]")
@click.option("--cmsis-nn", type=click.Path(path_type=Path, exists=True), help="a checkout  [default: downloaded]")
def cortex_m_files(
    model: str, target: str, recipes: tuple[str, ...], store_url: str | None, io_layout: str | None,
    executorch: Path | None, cmsis_nn: Path | None,
) -> None:  # fmt: skip
    """Run the `.pte` files of MODEL by RECIPES with the kernels of CMSIS-NN."""
    tasks.warm_up()
    job = Job(model, Target.parse(target), cache_folder(), seed=0, io_layout=io_layout)  # type: ignore[arg-type]
    kept = cache_folder() / "cortex-m-files"
    recipes = recipes or _known(job, store_url)
    try:
        sources = [given or checked_out(name, kept) for given, name in zip((executorch, cmsis_nn), PINNED, strict=True)]
        program = Build(sources[0], sources[1], kept, job.target.instruction_set).program()
    except subprocess.CalledProcessError as error:  # the command has said why
        command = " ".join(map(str, error.cmd))[:200]
        raise click.ClickException(
            f"the program for QEMU cannot be built: status {error.returncode} of {command}"
        ) from error
    except OSError as error:
        raise click.ClickException(f"the program for QEMU cannot be built: {one_line(error)}") from error
    base = BACKEND.lower(job)
    programs = BACKEND.programs(job, base)
    counts = ("instructions (simulated)", "instructions (predicted)", "uncosted")
    header = ("model", "recipe", "outputs", *counts, "guards")
    click.echo("\n".join(row(*header, header=True)))
    inputs = base.samples[0]
    for recipe in recipes:
        candidate = programs.by(Recipe.parse(recipe))
        cost = programs.cost(candidate)
        expected = programs.outputs(candidate, inputs)
        content = programs.file(candidate).content
        found = run_file(program, content, inputs, expected, job.target.instruction_set)
        guards = programs.executed(candidate, whole=True, on_all=True, is_default=False)
        told = f"{cost['instructions']:,}", str(cost["uncosted"]), guards.reason or "pass"
        click.echo("\n".join(row(model, f"`{recipe}`", *found, *told)))


def _known(job: Job[Target], store_url: str | None) -> tuple[str, ...]:
    """The default lowering, and the best recipe that the store knows for a job, if it knows one."""
    objective = Objective()
    with Store.open(store_url) as store:
        best = store.bests.get(identity_for(job, objective).key)
    return tuple(dict.fromkeys(("default", *([best.best.recipe] if best else []))))


def run_file(
    program: Path, content: bytes, inputs: Sequence[torch.Tensor], expected: Sequence[torch.Tensor],
    instruction_set: InstructionSet,
) -> tuple[str, str]:  # fmt: skip
    """Run a `.pte` file once under QEMU.

    Args:
        program: as `Build.program` links it.
        content: of the file.
        inputs: of one inference.
        expected: outputs that Python computes.
        instruction_set: that the program is compiled for.

    Returns:
        What came of it, in words, and its instructions. They are empty if it fails.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "model.pte").write_bytes(content)
        for number, one in enumerate(inputs):
            (folder / f"input{number}.bin").write_bytes(_in_memory(one).tobytes())
        machine = ("-M", _MACHINES[instruction_set], "-nographic", "-monitor", "none", "-serial", "null")
        semihosting = ("-semihosting-config", "enable=on,target=native", "-kernel", program)
        try:
            done = subprocess.run(
                ("qemu-system-arm", *machine, "-icount", "shift=0", *semihosting), cwd=folder, capture_output=True,
                text=True, errors="replace", timeout=_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"does not end within {_SECONDS} s", ""
        lines = done.stdout.strip().splitlines() or [""]
        if done.returncode:
            return f"status {done.returncode}, {lines[-1]} ({lines[0]})", ""
        differing = 0
        for number, values in enumerate(map(_in_memory, expected)):
            found = np.frombuffer((folder / f"output{number}.bin").read_bytes(), dtype=values.dtype)
            differing += int((found != values.ravel()).sum())
    count = sum(one.numel() for one in expected)
    counted = round(int(lines[-1].removeprefix("ticks ")) * _PER_TICK[instruction_set])
    return f"{differing} of {count} values differ" if differing else "equal", f"{counted:,}"


def _in_memory(tensor: torch.Tensor) -> np.ndarray:
    """Its values as they lie in memory."""
    return tensor.permute(tensor.dim_order()).contiguous().numpy()


if __name__ == "__main__":
    cortex_m_files()
