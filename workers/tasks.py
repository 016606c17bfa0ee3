"""What the driver asks a worker process to do. Plain arguments, plain answers; evaluators stay warm between calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.recipe.recipe import Recipe
from workers.cache.lru import LRU
from workers.cache.memo import Memo
from workers.errors import ModelError
from workers.ethos_u.estimates.roofline import Bound
from workers.ethos_u.job import Job
from workers.ethos_u.lowering.base_program import (
    BaseProgram,
    Identified,
    identify,
    setting_key,
    toolchain_versions,
)
from workers.ethos_u.lowering.frontend_settings import base_by, setting_status
from workers.ethos_u.lowering.lowered import lowered
from workers.ethos_u.lowering.precision.precisions import precision_settings
from workers.ethos_u.lowering.quality import QualityMeter
from workers.evaluator import Evaluator, Expansion, Measure, Outcome, Wanted, always
from workers.pool.shared import Shared

#: Each holds a model's weights and recorded values; a worker serves few models at a time.
_KEPT_EVALUATORS = 4
_evaluators: LRU[Evaluator] = LRU(_KEPT_EVALUATORS)


@dataclass(frozen=True)
class Prepared:
    """What the driver needs to know of a base program: also the lowering choices that change it, and the recipes that a
    search starts from."""

    base: BaseProgram
    choices: dict[str, tuple[str, ...]]
    starts: tuple[str, ...]


def warm_up() -> None:
    """Import what every task needs."""
    import tosa_reference_model  # noqa: F401


def warm_up_with(versions: dict[str, str]) -> None:
    """`warm_up` in a worker that must have the driver's toolchain.

    Raises:
        ModelError: it has another one.
    """
    here = toolchain_versions()
    others = [f"{name} {here[name]} (driver: {version})" for name, version in versions.items() if here[name] != version]
    if others:
        raise ModelError(f"refused: this worker has {', '.join(others)}; install the same versions on every node")
    warm_up()


def identified(job: Job) -> Identified:
    """What the job's model is the same as; it is exported, not lowered. Raises ModelError."""
    return identify(
        job.source, job.target, seed=job.seed, calibration_data=job.calibration_data, io_layout=job.io_layout
    )


def prepare(job: Job) -> Prepared:
    """Lower the model, or find it in the cache, and see what there is to search. Raises ModelError; also if more than
    exact recipes are allowed and their quality cannot be measured."""
    base = lowered(job)
    evaluator = _evaluator(base.key, lambda: base, job)
    return Prepared(base, evaluator.open_choices(), evaluator.starting_points())


def enter(base: Shared[BaseProgram], base_key: str, job: Job, setting: Setting) -> tuple[str, ...] | None:
    """The recipes that a search starts from where ExecuTorch lowers by a setting; None if that fails, or gives no other
    program, or one with other outputs. Arguments as of `evaluate`.
    """
    default = _evaluator(base_key, base.get, job).base
    if setting_status(default, setting, job).status not in ("ok", "inexact"):
        return None
    return _evaluator_by(default, setting, job).starting_points()


def starts(base: Shared[BaseProgram], base_key: str, job: Job, setting: Setting, learnt: list[str]) -> tuple[str, ...]:
    """The recipes that a search starts from where ExecuTorch lowers by a setting, empty for its own, if others have
    `learnt` something. Other arguments as of `evaluate`."""
    return _evaluator_of(base, base_key, job, str(Recipe(setting))).starting_points(learnt)


def precisions(base: Shared[BaseProgram], base_key: str, job: Job) -> list[Setting]:
    """Settings of other widths that are worth lowering, in an order; arguments as of `evaluate`. Raises ModelError."""
    return precision_settings(_evaluator(base_key, base.get, job).base, job)


def evaluate(
    base: Shared[BaseProgram], base_key: str, job: Job, recipe: str, whole: bool = False, wanted: Wanted = always,
    on_all: bool = False,
) -> Outcome:  # fmt: skip
    """What a candidate costs and whether it is right.

    base: shared by `prepare`'s caller; fetched only if this process does not have it yet. base_key: its key. whole,
    wanted, on_all: see `Evaluator.evaluate`. Raises ModelError if the base program cannot be used.
    """
    evaluator = _evaluator(base_key, base.get, job)
    parsed = Recipe.parse(recipe)
    if not parsed.setting:
        return evaluator.evaluate(recipe, whole, wanted, on_all)
    if parsed.exactness > job.allowance.exactness:
        return evaluator.evaluate(recipe)  # which refuses it
    started = time.perf_counter()
    came_to = setting_status(evaluator.base, parsed.setting, job)
    if came_to.status in ("wrong", "refused"):
        return Outcome(str(parsed), came_to.status, "", time.perf_counter() - started, came_to.reason)
    outcome = _evaluator_by(evaluator.base, parsed.setting, job).evaluate(recipe, whole, wanted, on_all)
    lowering = "bit for bit against the default one" if came_to.status != "inexact" else came_to.reason
    return replace(outcome, check=outcome.check and {**outcome.check, "lowering": lowering})


def up_to_right(base: Shared[BaseProgram], base_key: str, job: Job, recipes: Sequence[str]) -> list[Outcome]:
    """Evaluate candidates one after the other, up to the first whose command streams are right on all inputs that
    candidates share. It is the last one that is returned. Arguments as of `evaluate`."""
    found: list[Outcome] = []
    for recipe in recipes:
        found.append(evaluate(base, base_key, job, recipe, on_all=True))
        if found[-1].status == "ok" and not found[-1].stream_fault:
            break
    return found


def expansion(base: Shared[BaseProgram], base_key: str, job: Job, recipe: str) -> Expansion:
    """What can be gone on to from a candidate that was found right; arguments as of `evaluate`."""
    return _evaluator_of(base, base_key, job, recipe).expansion(recipe)


def expand(base: Shared[BaseProgram], base_key: str, job: Job, recipe: str, pass_text: str) -> dict[str, str]:
    """The successor of a candidate by one pass; arguments as of `evaluate`."""
    return _evaluator_of(base, base_key, job, recipe).expand(recipe, pass_text)


def idle_elements(base: Shared[BaseProgram], base_key: str, job: Job, recipe: str) -> tuple[str, ...]:
    """A line for each element of a recipe that changes nothing in the model; arguments as of `evaluate`."""
    return _evaluator_of(base, base_key, job, recipe).idle_elements(recipe)


def bound(base: Shared[BaseProgram], base_key: str, job: Job, recipe: str) -> Bound:
    """What no sequence of passes can go below where ExecuTorch lowers as a recipe says; arguments as of `evaluate`."""
    return _evaluator_of(base, base_key, job, recipe).bound()


def _evaluator_of(base: Shared[BaseProgram], base_key: str, job: Job, recipe: str) -> Evaluator:
    default = _evaluator(base_key, base.get, job)
    setting = Recipe.parse(recipe).setting
    return _evaluator_by(default.base, setting, job) if setting else default


def _evaluator_by(base: BaseProgram, setting: Setting, job: Job) -> Evaluator:
    def made() -> Evaluator:
        other = base_by(base, setting, job)
        exact = Recipe(setting).exactness == Exactness.EXACT
        return _made(other, job, _measure(QualityMeter(job, other, setting), QualityMeter(job, base, ()), exact))

    return _kept(setting_key(base, setting), made, job)


def _evaluator(base_key: str, base: Callable[[], BaseProgram], job: Job) -> Evaluator:
    def made() -> Evaluator:
        default = base()
        meter = QualityMeter(job, default, ())
        return _made(default, job, _measure(meter, meter, True))

    return _kept(base_key, made, job)


def _made(base: BaseProgram, job: Job, measure: Measure | None) -> Evaluator:
    return Evaluator(base, job.target, Memo(job.cache_dir / "memo"), job.cache_dir / "values", job.seed, measure)


def _measure(meter: QualityMeter, of_default: QualityMeter, exact_base: bool) -> Measure | None:
    allowed = meter.job.allowance
    return Measure(allowed.exactness, meter.quality, of_default.of_base(), exact_base) if allowed else None


def _kept(base_key: str, made: Callable[[], Evaluator], job: Job) -> Evaluator:
    return _evaluators.find((base_key, job.target, job.seed, job.allowance), made)
