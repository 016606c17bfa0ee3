"""A model lowered by a recipe, as a `.pte`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workers.backend.job import Job
from workers.cache.atomic_write import write_whole
from workers.errors import ModelError, one_line
from workers.ethos_u.files.pte import delegates_of
from workers.ethos_u.lowering.ahead_of_time.recipe_lowering import apply_recipe
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.lowering import quantised_program
from workers.ethos_u.lowering.toolchain import to_edge, to_executorch
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import command_stream_hash
from workers.output_capture import toolchain_hushed


def write_pte(job: Job[Target], recipe: str, tag: bytes, expected: Sequence[str], out: Path) -> None:
    """Lower the job's model with ExecuTorch, its delegates by a recipe, and write the program. The file appears whole
    or not at all.

    Args:
        job: the model and its target.
        recipe: text of the recipe.
        tag: the recipe's identity, stored with each delegate.
        expected: `command_stream_hash` of every delegate, in any order.
        out: path of the `.pte`; a file that is there is replaced.

    Raises:
        ModelError: the source is no model, cannot be lowered, or gives an unexpected program. Or the file cannot be
            written.
    """
    model = exported_model(job.source, job.io_layout)
    if model is None:
        raise ModelError(f"{job.source}: a .tosa file is not a whole model; a .pte needs the PyTorch model")
    with toolchain_hushed():
        try:
            # What is expected was executed when it was evaluated.
            with apply_recipe(recipe, job.target, tag, job.allowance.exactness, check_streams=False):
                quantised = quantised_program(model, job.target, seed=job.seed, calibration_data=job.calibration_data)
                program = to_executorch(to_edge(quantised.program, quantised.compile_spec))
        except ModelError:
            raise
        except Exception as error:  # whatever ExecuTorch raises while it lowers and plans memory
            raise ModelError(f"{job.source}: ExecuTorch cannot write the program, {one_line(error)}") from error
    content = bytes(program.buffer)
    found = Counter(command_stream_hash(d.command_stream, d.weights) for d in delegates_of(content, str(out)))
    if found != Counter(expected):
        raise ModelError(
            f"{job.source}: the lowered program's command streams are not those that were evaluated; "
            "if its weights or inputs are random, seed them"
        )
    try:
        write_whole(out, content)
    except OSError as error:
        raise ModelError(f"{out}: cannot be written, {error.strerror}") from error
