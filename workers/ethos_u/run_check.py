"""Does a `.pte` compute what it should, when it is run here?

Each delegate's command stream in the file is compared with the TOSA program that it was made from. Then the whole file
is compared with the model as stock ExecuTorch lowers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_space.exactness import Exactness
from search_space.ir.verifier import verify
from search_space.recipe.recipe import Recipe
from search_space.tosa_file.reader import read_tosa
from search_space.tosa_file.writer import write_tosa
from workers.backend.job import Job
from workers.cache.array_files import first_difference as first_differing_value
from workers.cache.memo import Memo
from workers.checking.defined_inputs import on_defined_inputs
from workers.checking.whole_outputs import WholeOutputs
from workers.errors import ModelError, ReferenceFailed
from workers.ethos_u.files.pte import read_pte
from workers.ethos_u.files.run_pte import PteProgram
from workers.ethos_u.lowering.base_program import exported_model
from workers.ethos_u.lowering.checks.whole_check import whole_inputs
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered, run_lowered_in_turn
from workers.ethos_u.lowering.frontend_settings import base_by
from workers.ethos_u.lowering.lowered import lowered
from workers.ethos_u.lowering.lowering import lowered_program, quantised_program
from workers.ethos_u.stream_check.verdict import stream_verdict
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import VelaRefused, compile_tosa
from workers.ethos_u.vela.facts import VelaFacts
from workers.ethos_u.vela.pricing import command_stream_hash
from workers.models.exported.state.module_state import as_written, written_buffers
from workers.models.exported.tensors import as_arrays

if TYPE_CHECKING:
    from torch.export import ExportedProgram

#: Runs in turn of a file with a state.
_TURNS = 3


@dataclass(frozen=True)
class Ran:
    """What was run and came out right.

    Attributes:
        sets: inputs that each delegate was run on.
        whole: inputs that the whole file was run on. There are none if its outputs are not the default lowering's bit
            for bit.
        turns: consecutive runs of the whole file, each from the state of the one before. There are none without a
            state.
    """

    sets: int
    whole: int
    turns: int = 0

    def __str__(self) -> str:
        whole = f", the whole on {self.whole}" if self.whole else ""
        turns = f" and {self.turns} times in turn" if self.turns else ""
        return f"run here bit for bit, its delegates on {self.sets} sets of inputs{whole}{turns}"


def run_check(file: Path, job: Job[Target], recipe: str) -> Ran:
    """Run a `.pte` that a recipe was applied to.

    Args:
        file: the `.pte`.
        job: names the model that it was made of, and how that was quantised.
        recipe: text of the recipe.

    Returns:
        How many sets of inputs the delegates and the whole program were run on.

    Raises:
        ModelError: something differs, and what; or the job's model by this recipe has other command streams.
    """
    parsed = Recipe.parse(recipe)
    try:
        sets = _check_delegates(file, job, parsed)
        whole, turns = _check_whole(file, job) if parsed.exactness == Exactness.EXACT else (0, 0)
    except ReferenceFailed as error:
        raise ModelError(f"{file}: the reference model does not run a delegate, {error}") from error
    return Ran(sets, whole, turns)


def _check_delegates(file: Path, job: Job[Target], recipe: Recipe) -> int:
    default = lowered(job)
    base = base_by(default, recipe.setting, job) if recipe.setting else default
    facts = VelaFacts(job.target, Memo(job.cache_dir / "memo"), dict(sorted(base.versions.items())))
    waiting = list(enumerate(read_pte(file)))
    sets = 0
    for data, calibration in zip(base.graphs, base.calibration_inputs, strict=True):
        stock = verify(read_tosa(data))
        graph = verify(recipe.apply(stock, facts))
        try:
            compiled = compile_tosa(write_tosa(graph), job.target)
        except VelaRefused as refusal:
            raise ModelError(f"{job.source}: Vela refuses '{recipe}': {refusal}") from refusal
        wanted = command_stream_hash(compiled.command_stream, compiled.weights)
        found = [(at, one) for at, one in waiting if command_stream_hash(one.command_stream, one.weights) == wanted]
        if not found:
            raise ModelError(f"{file}: none of its delegates is what Vela makes of {job.source} by '{recipe}' today")
        waiting.remove(found[0])
        at, delegate = found[0]
        computed = on_defined_inputs(WholeOutputs, stock, calibration, job.seed)
        verdict = stream_verdict(graph, delegate.npu_program, compiled.operators, computed)
        if not verdict.equal:
            raise ModelError(f"{file}: delegate {at}: {verdict.reason}")
        sets += len(computed.inputs)
    if waiting:
        raise ModelError(f"{file}: delegate {waiting[0][0]} is none of {job.source} by '{recipe}'")
    return sets


def _check_whole(file: Path, job: Job[Target]) -> tuple[int, int]:
    """How many inputs the file was run on, each from the start, and how many times in turn."""
    model = exported_model(job.source, job.io_layout)
    if model is None:
        return 0, 0  # a .tosa file: there is nothing around its program
    quantised = quantised_program(model, job.target, seed=job.seed, calibration_data=job.calibration_data)
    default = lowered_program(model, job.target, quantised)
    module = as_written(default)
    program = PteProgram.read(file)
    count = 0
    for kind, inputs in whole_inputs(quantised.samples, job.seed):
        try:
            expected = as_arrays(run_lowered(module, inputs))
        except ReferenceFailed as error:
            if error.undefined and kind != "calibration":
                continue  # no outputs are right or wrong
            raise
        reason = first_differing_value(expected, program.run(as_arrays(inputs)))
        if reason:
            raise ModelError(f"{file}: {reason} on {kind} inputs, though each delegate computes what it should")
        count += 1
    return count, _check_turns(program, default, quantised.samples) if written_buffers(default) else 0


def _check_turns(program: PteProgram, default: ExportedProgram, samples: Sequence[tuple[Any, ...]]) -> int:
    """Run a file in turn on calibration inputs, each run with the state that the one before it left."""
    runs = [samples[at % len(samples)] for at in range(_TURNS)]
    found = program.run_in_turn([as_arrays(one) for one in runs])
    module = as_written(default)
    start = {name: module.get_buffer(name) for name in written_buffers(default)}
    for number, ((wanted, _), given) in enumerate(
        zip(run_lowered_in_turn(default, runs, start), found, strict=True), 1
    ):
        if reason := first_differing_value(as_arrays(wanted), given):
            raise ModelError(f"{program.name}: {reason} in run {number} in turn; its state is not the program's")
    return len(runs)
