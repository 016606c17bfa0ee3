"""`velatune verify`"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from results.records.evaluation import Evaluation
from results.records.families import family_of
from results.records.identity import Identity, described
from results.records.identity import Target as TargetRecord
from results.reports.prediction_error import error_for, labelled
from results.store.store import Store
from tuner.commands.options import board_options, model_options, store_option
from tuner.deploy.board_options import BoardOptions
from tuner.paths import cache_folder
from tuner.tuning.progress import proof
from workers import tasks
from workers.backend.job import Job
from workers.backend.registry import backend_of, of_first_backend
from workers.backend.target import Target
from workers.backend.written import Written
from workers.cache.array_files import first_difference, read_arrays
from workers.errors import ModelError
from workers.models.exported.io_layout import IoLayout
from workers.pool.failures import WorkerLost
from workers.pool.interrupts import run_interruptible
from workers.pool.local_pool import LocalPool

_SECONDS = 3600.0


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="MODEL.PTE")
@click.option("--run", "with_run", is_flag=True, help="also run it here, and compare what it computes")
@click.option(
    "--input", "inputs", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE.NPY|FILE.NPZ",
    help="with --run: inputs of yours, in order, for which --expect has the outputs",
)  # fmt: skip
@click.option(
    "--expect", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE.NPY|FILE.NPZ",
    help="with --run: compare the outputs with these, bit for bit; the model is not needed then",
)  # fmt: skip
@click.option("--model", metavar="MODEL", help="with --run: the model, where it is not found by the name it had")
@board_options
@model_options
@store_option
def verify(
    file: Path, with_run: bool, inputs: tuple[Path, ...], expect: tuple[Path, ...], model: str | None,
    board: BoardOptions, seed: int, calibration_data: Path | None, io_layout: IoLayout | None,
    store_url: str | None,
) -> None:  # fmt: skip
    """Prove that a .pte holds the very command streams that were evaluated for the recipe that it names.

    With --run, every command stream is executed on all check inputs. Each is compared with the TOSA program that it was
    made of. The whole file is compared with the default lowering. With --expect as well, any .pte is run on inputs of
    yours.
    """
    if not with_run and (inputs or expect):
        raise click.UsageError("--input and --expect say what to run: give --run")
    if bool(inputs) != bool(expect):
        raise click.UsageError("--input and --expect go together")
    unread = f"{file}: no backend that is installed reads such files"
    if expect:
        found = of_first_backend(lambda backend: backend.outputs(file, inputs, seed), unread)
        difference = first_difference(read_arrays(expect), found)
        if difference:
            raise ModelError(f"{file}: {difference}")
        click.echo(f"{file}: run here, all outputs are as expected")
        return
    written = of_first_backend(lambda backend: backend.written(file), unread)
    with Store.open(store_url) as store:
        evaluation = _evaluated(file, store, written)
        identity = store.identities.get(written.identity)
        measurements = store.measurements.all()
    ran = ""
    if with_run:
        if identity is None:
            raise ModelError(f"{file}: {store.location} does not say what model it was made of")
        job = _job(file, identity, model, board, seed, calibration_data, io_layout)
        ran = f"; {run_interruptible(_run(file, job, evaluation.recipe), cache_folder() / 'logs')}"
    assert evaluation.figures is not None  # a verified evaluation has them
    family = family_of(identity.target.family if identity is not None else "")
    cost = family.cost_text(evaluation.figures.cycles, evaluation.figures.metrics)
    error = error_for(identity, measurements, evaluation.operators) if identity is not None else None
    click.echo(
        f"{file}: verified. {written.parts} by {evaluation.recipe}, "
        f"{cost} ({labelled(evaluation.figures.label, error)}), {proof(evaluation)}, "
        f"as checked on {evaluation.created[:10]}{ran}"
    )


def _evaluated(file: Path, store: Store, written: Written) -> Evaluation:
    """The store's evaluation of the recipe that a file names, if the file's artefacts are those that were evaluated."""
    evaluation = store.evaluations.get(written.identity, written.recipe)
    if evaluation is None or not evaluation.verified or evaluation.figures is None:
        raise ModelError(
            f"{file}: it names recipe '{written.recipe}', which {store.location} has no verified evaluation of; "
            "give the store that it was made with (--store)"
        )
    if written.artifact_sha256 != Counter(evaluation.command_stream_sha256):
        raise ModelError(f"{file}: its command streams are not those that were evaluated for '{written.recipe}'")
    return evaluation


def _job(
    file: Path, identity: Identity, model: str | None, board: BoardOptions, seed: int,
    calibration_data: Path | None, io_layout: IoLayout | None,
) -> Job:  # fmt: skip
    """What the file was made of. Raises ModelError if the model is not found, or is another one now."""
    source, was = model or identity.model_name, identity.target
    target = _target(file, was, board)
    if io_layout is None and identity.io_layout == "nhwc":
        io_layout = "nhwc"
    job = Job(source, target, cache_folder(), seed, calibration_data, io_layout)
    try:
        now = tasks.identified(job)
    except ModelError as error:
        raise ModelError(f"{error}; {file} was made of it: name it (--model), or give --input and --expect") from error
    if now.model_hash != identity.model_hash:
        raise ModelError(f"{file}: {source} is not the model that it was made of any more")
    if now.quantisation != identity.quantisation:
        raise ModelError(
            f"{file}: it was quantised otherwise: {described(identity.quantisation)}; here it is: "
            f"{described(now.quantisation)}; "
            "say how (--calibration-data, --seed)"
        )
    return job


def _target(file: Path, was: TargetRecord, board: BoardOptions) -> Target:
    """Of a record, with files of boards as they are named now. Raises ModelError if it is another one."""
    backend = backend_of(was.family)
    files = {one.name for one in backend.board_options if one.is_file}
    facts = {name: fact for name, fact in was.facts.items() if name not in files}
    target = backend.target(was.name, {**facts, **board.facts})
    if target.facts() != was.facts:
        options = " or ".join(f"--{name.replace('_', '-')}" for name in sorted(files))
        raise ModelError(f"{file}: it was lowered with another configuration of the board; give it ({options})")
    return target


async def _run(file: Path, job: Job, recipe: str) -> str:
    # In a worker, since what is lowered must not depend on this process's hash seed, and the compiler may crash.
    async with LocalPool(1, cache_folder() / "logs", tasks.warm_up) as pool:
        try:
            return await pool.run(tasks.run_written, job, recipe, file.absolute(), timeout_seconds=_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{file}: it cannot be run, {lost}") from lost
