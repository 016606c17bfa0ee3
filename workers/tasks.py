"""What the driver asks a worker process to do. Plain arguments, plain answers; evaluators stay warm between calls.

Recipes come as text and are parsed here. So a pass that only the driver has is an error in one line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.backend.base import Base, Identified
from workers.backend.bound import Bound
from workers.backend.job import Job
from workers.backend.registry import backend_of, backends
from workers.cache.lru import LRU
from workers.errors import ModelError
from workers.evaluator import Evaluator, Expansion, Measure, Outcome, Wanted, always
from workers.pool.shared import Shared

#: Each holds a model's weights and recorded values; a worker serves few models at a time.
_KEPT_EVALUATORS = 4


@dataclass(frozen=True)
class _Session:
    """What a worker keeps of a job: a base program of it, and its evaluator."""

    base: Base
    evaluator: Evaluator[Any]


_evaluators: LRU[_Session] = LRU(_KEPT_EVALUATORS)


@dataclass(frozen=True)
class Prepared:
    """What the driver needs to know of a base program. It includes the lowering choices that change it, and the recipes
    that a search starts from."""

    base: Base
    choices: dict[str, tuple[str, ...]]
    starts: tuple[str, ...]


def warm_up() -> None:
    """Import what every task needs."""
    for backend in backends().values():
        backend.warm_up()


def warm_up_with(versions: Mapping[str, Mapping[str, str]]) -> None:
    """`warm_up` in a worker that must have the driver's toolchain.

    Args:
        versions: family -> versions of its toolchain on the driver.

    Raises:
        ModelError: it has another one.
    """
    others = [
        f"{name} {here.get(name, 'not at all')} (driver: {version})"
        for family, wanted in versions.items()
        for here in (backend_of(family).versions(),)
        for name, version in wanted.items()
        if here.get(name) != version
    ]
    if others:
        raise ModelError(f"refused: this worker has {', '.join(others)}; install the same versions on every node")
    warm_up()


def identified(job: Job) -> Identified:
    """What the job's model is the same as; it is exported, not lowered. Raises ModelError."""
    return backend_of(job.target.backend).identify(job)


def lowered(job: Job) -> Base:
    """Lower the model with the stock toolchain, or find it in the cache. Raises ModelError."""
    return backend_of(job.target.backend).lower(job)


def prepare(job: Job) -> Prepared:
    """Lower the model, or find it in the cache, and see what there is to search. Raises ModelError; also if more than
    exact recipes are allowed and their quality cannot be measured."""
    base = lowered(job)
    evaluator = _session(base.key, lambda: base, job).evaluator
    return Prepared(base, evaluator.open_choices(), evaluator.starting_points())


def enter(base: Shared[Base], base_key: str, job: Job, setting: Setting) -> tuple[str, ...] | None:
    """The recipes that a search starts from where the toolchain lowers by a setting.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        setting: inside the toolchain.

    Returns:
        Recipes; None if the toolchain fails, or gives no other program, or one with other outputs.
    """
    default = _session(base_key, base.get, job).base
    if backend_of(job.target.backend).setting_status(job, default, setting).status not in ("ok", "inexact"):
        return None
    return _session_by(default, setting, job).evaluator.starting_points()


def starts(base: Shared[Base], base_key: str, job: Job, setting: Setting, transferred: list[str]) -> tuple[str, ...]:
    """The recipes that a search starts from where the toolchain lowers by a setting.

    Recipes that won on similar models are among them.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        setting: inside the toolchain; empty for its own.
        transferred: recipes that won on similar models.

    Returns:
        Recipes in the order in which they are tried.
    """
    return _evaluator_of(base, base_key, job, setting).starting_points(transferred)


def measured_settings(base: Shared[Base], base_key: str, job: Job) -> list[Setting]:
    """Settings that are worth lowering by what is measured of the model.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.

    Returns:
        Settings, in the order in which they are tried.

    Raises:
        ModelError: the model cannot be measured.
    """
    return backend_of(job.target.backend).measured_settings(job, _session(base_key, base.get, job).base)


def evaluate(
    base: Shared[Base], base_key: str, job: Job, recipe: str, whole: bool = False, wanted: Wanted = always,
    on_all: bool = False,
) -> Outcome:  # fmt: skip
    """What a candidate costs and whether it is right.

    Args:
        base: shared by `prepare`'s caller; fetched only if this process does not have it yet.
        base_key: its key.
        job: the model and its target.
        recipe: text of the candidate.
        whole: see `Evaluator.evaluate`.
        wanted: see `Evaluator.evaluate`.
        on_all: see `Evaluator.evaluate`.

    Returns:
        What came of it.

    Raises:
        ModelError: the base program cannot be used.
    """
    session = _session(base_key, base.get, job)
    parsed = Recipe.parse(recipe)
    if not parsed.setting:
        return session.evaluator.evaluate(parsed, whole, wanted, on_all)
    if parsed.exactness > job.allowance.exactness:
        return session.evaluator.evaluate(parsed)  # which refuses it
    started = time.perf_counter()
    came_to = backend_of(job.target.backend).setting_status(job, session.base, parsed.setting)
    if came_to.status in ("wrong", "refused"):
        return Outcome(str(parsed), came_to.status, "", time.perf_counter() - started, came_to.reason)
    outcome = _session_by(session.base, parsed.setting, job).evaluator.evaluate(parsed, whole, wanted, on_all)
    lowering = "bit for bit against the default one" if came_to.status != "inexact" else came_to.reason
    return replace(outcome, check=outcome.check and {**outcome.check, "lowering": lowering})


def prepare_whole_checks(base: Shared[Base], base_key: str, job: Job) -> None:
    """Compute what whole candidates are compared with.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
    """
    _session(base_key, base.get, job).evaluator.prepare_whole_checks()


def up_to_right(base: Shared[Base], base_key: str, job: Job, recipes: Sequence[str]) -> list[Outcome]:
    """Evaluate candidates one after the other.

    It stops at the first whose command streams are right on all inputs that candidates share.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipes: texts of the candidates.

    Returns:
        Outcomes of those that were evaluated.
    """
    found: list[Outcome] = []
    for recipe in recipes:
        found.append(evaluate(base, base_key, job, recipe, on_all=True))
        if found[-1].status == "ok" and not found[-1].stream_fault:
            break
    return found


def tied(base: Shared[Base], base_key: str, job: Job, recipe: str, cheapest: str) -> Outcome | None:
    """A candidate beside the cheapest one, if the estimate does not tell the two apart.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipe: text of the candidate.
        cheapest: text of the cheapest one; its base program has to be that of the candidate.

    Returns:
        As `Evaluator.tied`.
    """
    one, other = Recipe.parse(recipe), Recipe.parse(cheapest)
    if one.setting != other.setting:
        return None
    return _evaluator_of(base, base_key, job, one.setting).tied(one, other)


def expansion(base: Shared[Base], base_key: str, job: Job, recipe: str) -> Expansion:
    """What a search can go on to from a candidate that was found right.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipe: text of the candidate.

    Returns:
        Its successors and sites.
    """
    parsed = Recipe.parse(recipe)
    return _evaluator_of(base, base_key, job, parsed.setting).expansion(parsed)


def expand(base: Shared[Base], base_key: str, job: Job, recipe: str, pass_text: str) -> dict[str, str]:
    """The successor of a candidate by one pass.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipe: text of the candidate.
        pass_text: of the pass.

    Returns:
        The pass and the program's hash; empty if the pass changes nothing.
    """
    parsed, (one,) = Recipe.parse(recipe), Recipe.parse(pass_text).passes
    return _evaluator_of(base, base_key, job, parsed.setting).expand(parsed, one)


def idle_elements(base: Shared[Base], base_key: str, job: Job, recipe: str) -> tuple[str, ...]:
    """The elements of a recipe that change nothing in the model.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipe: text of the recipe.

    Returns:
        One line each.
    """
    parsed = Recipe.parse(recipe)
    return _evaluator_of(base, base_key, job, parsed.setting).idle_elements(parsed)


def bound(base: Shared[Base], base_key: str, job: Job, recipe: str) -> Bound | None:
    """What no sequence of passes can go below where the toolchain lowers as a recipe says.

    Args:
        base: as of `evaluate`.
        base_key: as of `evaluate`.
        job: the model and its target.
        recipe: text of a recipe, whose setting counts.

    Returns:
        The bound; None if the family knows none.
    """
    return _evaluator_of(base, base_key, job, Recipe.parse(recipe).setting).bound()


def write(
    job: Job, recipe: str, identity_key: str, program_hash: str, artifact_sha256: Sequence[str], out: Path
) -> None:  # fmt: skip
    """Write the file that ships; see `workers.backend.backend.Backend.write`.

    Args:
        job: the model and its target.
        recipe: text of the recipe.
        identity_key: what its evaluation is stored under.
        program_hash: what the program is.
        artifact_sha256: of what was evaluated; anything else is not written.
        out: path of the file.

    Raises:
        ModelError: the model cannot be written, or does not come out as expected.
    """
    backend_of(job.target.backend).write(job, recipe, identity_key, program_hash, artifact_sha256, out)


def run_written(job: Job, recipe: str, file: Path) -> str:
    """Run a written file here; see `workers.backend.backend.Backend.run_written`.

    Args:
        job: the model and its target.
        recipe: text of the recipe that the file was written by.
        file: to run.

    Returns:
        What was run, for people.

    Raises:
        ModelError: something differs, or nothing can be run.
    """
    return backend_of(job.target.backend).run_written(job, recipe, file)


def _evaluator_of(base: Shared[Base], base_key: str, job: Job, setting: Setting) -> Evaluator[Any]:
    default = _session(base_key, base.get, job)
    return (_session_by(default.base, setting, job) if setting else default).evaluator


def _session_by(base: Base, setting: Setting, job: Job) -> _Session:
    """base: as the toolchain lowers the model by itself."""
    backend = backend_of(job.target.backend)

    def made() -> _Session:
        other = backend.base_by(job, base, setting)
        return _made(other, job, _measure(job, base, other, setting))

    return _kept(backend.setting_key(base, setting), made, job)


def _session(base_key: str, base: Callable[[], Base], job: Job) -> _Session:
    def made() -> _Session:
        default = base()
        return _made(default, job, _measure(job, default, default, ()))

    return _kept(base_key, made, job)


def _made(base: Base, job: Job, measure: Measure[Any] | None) -> _Session:
    return _Session(base, Evaluator(backend_of(job.target.backend).programs(job, base), measure))


def _measure(job: Job, default: Base, base: Base, setting: Setting) -> Measure[Any] | None:
    """How programs are measured that are made of `base`, to which a setting lowers; None if all are exact."""
    if not job.allowance:
        return None
    backend = backend_of(job.target.backend)
    of_default = backend.meter(job, default, ())
    meter = backend.meter(job, base, setting) if setting else of_default
    return Measure(meter.quality, of_default.of_base(), Recipe(setting).exactness == Exactness.EXACT)


def _kept(base_key: str, made: Callable[[], _Session], job: Job) -> _Session:
    return _evaluators.find((base_key, job.target, job.seed, job.allowance), made)
