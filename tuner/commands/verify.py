"""`velatune verify`"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from results.records.evaluation import Evaluation
from results.records.identity import Identity, described
from results.reports.prediction_error import error_for, labelled
from results.store.store import Store
from tuner.commands.options import model_options, store_option
from tuner.deploy.given_inputs import given_inputs
from tuner.paths import cache_folder
from tuner.tuning.progress import proof
from workers import tasks
from workers.cache.array_files import first_difference, read_arrays
from workers.errors import ModelError
from workers.ethos_u.files.pte import Delegate, read_pte
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.job import Job
from workers.ethos_u.lowering.ahead_of_time.tosa_hook import TAG_KEY
from workers.ethos_u.lowering.base_program import identify
from workers.ethos_u.run_check import Ran, run_check
from workers.ethos_u.target import Target
from workers.ethos_u.vela.pricing import command_stream_hash
from workers.models.io_layout import IoLayout
from workers.pool.local_pool import PlainPool
from workers.pool.ray_pool import WorkerLost

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
@click.option("--vela-config", metavar="FILE", help="with --run: the .ini it was lowered with, if not Vela's own")
@model_options
@store_option
def verify(
    file: Path, with_run: bool, inputs: tuple[Path, ...], expect: tuple[Path, ...], model: str | None,
    vela_config: str | None, seed: int, calibration_data: Path | None, io_layout: IoLayout | None,
    store_url: str | None,
) -> None:  # fmt: skip
    """Prove that a .pte holds the very command streams that were evaluated for the recipe that it names.

    With --run, every command stream is executed on all check inputs and compared with the TOSA program that it was made
    of, and the whole file with the default lowering. With --expect as well, any .pte is run on inputs of yours.
    """
    if not with_run and (inputs or expect):
        raise click.UsageError("--input and --expect say what to run: give --run")
    if bool(inputs) != bool(expect):
        raise click.UsageError("--input and --expect go together")
    if expect:
        program = PteProgram.read(file)
        found = program.run(given_inputs(file, program.inputs(), inputs, seed))
        difference = first_difference(read_arrays(expect), found)
        if difference:
            raise ModelError(f"{file}: {difference}")
        click.echo(f"{file}: run here, all outputs are as expected")
        return
    delegates = read_pte(file)
    tag = _tag(file, delegates[0])
    if any(_tag(file, delegate) != tag for delegate in delegates):
        raise ModelError(f"{file}: its delegates were lowered by different recipes")
    with Store.open(store_url) as store:
        evaluation = _evaluated(file, store, delegates, tag)
        identity = store.identity(tag["identity"])
        measurements = store.measurements()
    ran = ""
    if with_run:
        if identity is None:
            raise ModelError(f"{file}: {store.location} does not say what model it was made of")
        job = _job(file, identity, model, vela_config, seed, calibration_data, io_layout)
        ran = f"; {_told(asyncio.run(_run(file, job, evaluation.recipe)))}"
    assert evaluation.figures is not None  # a verified evaluation has them
    error = error_for(identity, measurements, evaluation.operators) if identity is not None else None
    click.echo(
        f"{file}: verified. {len(delegates)} delegate{'s' if len(delegates) > 1 else ''} by {evaluation.recipe}, "
        f"{evaluation.figures.cycles:,} cycles ({labelled(evaluation.figures.label, error)}), {proof(evaluation)}, "
        f"as checked on {evaluation.created[:10]}{ran}"
    )


def _evaluated(file: Path, store: Store, delegates: Sequence[Delegate], tag: dict[str, str]) -> Evaluation:
    """What the store has of the recipe that a file names, if its command streams are those."""
    evaluation = store.evaluation(tag["identity"], tag["recipe"])
    if evaluation is None or not evaluation.verified or evaluation.figures is None:
        raise ModelError(
            f"{file}: it names recipe '{tag['recipe']}', which {store.location} has no verified evaluation of; "
            "give the store that it was made with (--store)"
        )
    found = Counter(command_stream_hash(d.command_stream, d.weights) for d in delegates)
    if found != Counter(evaluation.command_stream_sha256):
        raise ModelError(f"{file}: its command streams are not those that were evaluated for '{tag['recipe']}'")
    return evaluation


def _job(
    file: Path, identity: Identity, model: str | None, vela_config: str | None, seed: int,
    calibration_data: Path | None, io_layout: IoLayout | None,
) -> Job:  # fmt: skip
    """What the file was made of. Raises ModelError if the model is not found, or is another one now."""
    source, was = model or identity.model_name, identity.target
    facts = was.facts
    target = Target.parse(was.name, facts.get("system_config"), facts.get("memory_mode"), vela_config)
    if target.facts() != facts:
        raise ModelError(f"{file}: it was lowered with another Vela configuration; give it (--vela-config)")
    if io_layout is None and identity.io_layout == "nhwc":
        io_layout = "nhwc"
    job = Job(source, target, cache_folder(), seed, calibration_data, io_layout)
    try:
        now = identify(source, target, seed=seed, calibration_data=calibration_data, io_layout=io_layout)
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


async def _run(file: Path, job: Job, recipe: str) -> Ran:
    # In a worker, since what ExecuTorch lowers must not hang on this process's hash seed, and Vela may crash.
    async with PlainPool(1, cache_folder() / "logs", tasks.warm_up) as pool:
        try:
            return await pool.run(run_check, file.absolute(), job, recipe, timeout_seconds=_SECONDS)
        except WorkerLost as lost:
            raise ModelError(f"{file}: it cannot be run, {lost}") from lost


def _told(ran: Ran) -> str:
    whole = f", the whole on {ran.whole}" if ran.whole else ""
    return f"run here bit for bit, its delegates on {ran.sets} sets of inputs{whole}"


def _tag(file: Path, delegate: Delegate) -> dict[str, str]:
    raw = delegate.compile_specs.get(TAG_KEY)
    if raw is None:
        raise ModelError(f"{file}: it carries no recipe; it was not written by velatune")
    try:
        tag = json.loads(raw)
        return {"identity": str(tag["identity"]), "recipe": str(tag["recipe"])}
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{file}: the recipe that it carries is damaged") from None
