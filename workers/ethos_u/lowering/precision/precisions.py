"""Which layers to give other widths: found by what a layer at a time does to the outputs."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from search_space.choices.frontend.base import Setting
from search_space.choices.frontend.precision import Precision, write_by_layer
from workers.cache.memo import Memo
from workers.ethos_u.lowering.base_program import BaseProgram, exported_model
from workers.ethos_u.target import Target
from workers.models.calibration import calibration_for
from workers.models.types import is_quantised
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from workers.backend.job import Job
    from workers.ethos_u.lowering.layers import Layer
    from workers.models.types import ExportedModel

#: Calibration inputs that the noise is taken over: as many as a run of so many operations takes.
_OPERATIONS = 2 * 10**9
_MOST_INPUTS, _FEWEST_INPUTS = 16, 2

#: Where a metric of the user's decides, nobody knows what it bears.
_LOSSES_BY_METRIC_DB = [3.0, 10.0]

Noise = Callable[[Collection[int], Collection[int]], float]


def precision_settings(base: BaseProgram, job: Job[Target]) -> list[Setting]:
    """Settings of `precision` that are worth lowering for a model; found once, then remembered.

    Args:
        base: the default program of the job.
        job: the model and its target.

    Returns:
        Settings of one choice each.

    Raises:
        ModelError: ExecuTorch cannot quantise the model.
    """
    memo = Memo(job.cache_dir / "memo")
    losses = [job.allowance.max_loss_db] if job.allowance.metric is None else _LOSSES_BY_METRIC_DB
    key = {"kind": "precisions", "base": base.key, "losses": losses, "seed": job.seed, "versions": base.versions}
    known = memo.get(**key)
    if known is None:
        known = {"alternatives": _alternatives(job, losses)}
        memo.put_if_possible(known, **key)
    return [((Precision.name, alternative),) for alternative in known["alternatives"]]


def _alternatives(job: Job[Target], losses_db: Sequence[float]) -> list[str]:
    # torch with it: no command that only looks something up need wait for that.
    from workers.ethos_u.lowering.precision.mixed_precision import MixedPrecision

    model = exported_model(job.source, job.io_layout)
    if model is None or is_quantised(model.program):
        return []
    samples: Sequence[tuple[Any, ...]] = calibration_for(
        model.name, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    ).samples
    with toolchain_hushed():
        fitting = _OPERATIONS // max(1, _operations(model))
        mixed = MixedPrecision(model, job.target, samples, min(max(_FEWEST_INPUTS, fitting), _MOST_INPUTS))
    return [_text(mixed.layers, *sets) for sets in worth_lowering(mixed.layers, mixed.noise, losses_db)]


def _operations(model: ExportedModel) -> int:
    """Of one inference: not how long it takes, so that equal jobs have equal results."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model.program.module(check_guards=False)(*model.example_inputs)
    return counter.get_total_flops()


def worth_lowering(
    layers: Sequence[Layer], noise: Noise, losses_db: Iterable[float]
) -> list[tuple[set[int], set[int]]]:
    """Pairs of the layers with int4 weights and of those with int16 activations.

    For int4, layers are ordered by the noise that each alone adds per weight that it saves. For int16, they are ordered
    by the noise that comes back if all others have it. Half of them and all are for a front of cycles against quality.
    Then there are, for each loss, the layers with int4 that together stay so near to the default. The others have int8
    activations, or int16, or as few as will do have int16.

    Args:
        layers: of the model.
        noise: what two sets of layers make of the outputs, as
            `workers.ethos_u.lowering.precision.mixed_precision.MixedPrecision.noise` gives it.
        losses_db: dB that may be lost.

    Returns:
        Pairs of sets of layers' numbers; each pair once.
    """
    if not layers:
        return []
    numbers = {layer.number for layer in layers}
    int8, wide = noise(set(), set()), noise(set(), numbers)
    harm = {one.number: max(0.0, noise({one.number}, set()) - int8) / one.weights for one in layers}
    lost = {number: noise(set(), numbers - {number}) - wide for number in numbers}
    by_harm = sorted(numbers, key=lambda number: (harm[number], number))
    by_lost = sorted(numbers, key=lambda number: (-lost[number], number))

    def bearable(limit: float, others: Collection[int]) -> set[int]:
        """Those that can have int4, one after the other, where others have int16 until they are taken."""
        taken: set[int] = set()
        for number in by_harm:
            if noise(taken | {number}, set(others) - taken - {number}) <= limit:
                taken.add(number)
        return taken

    def fewest(limit: float, int4: set[int]) -> set[int]:
        """The smallest set with int16 beside these that will do. Halving finds it if a layer more always helps."""
        beside = [number for number in by_lost if number not in int4]
        return set(beside[: bisect_left(range(len(beside)), -limit, key=lambda count: -noise(int4, beside[:count]))])

    half = math.ceil(len(numbers) / 2)
    sets: list[tuple[set[int], set[int]]] = [
        (numbers, set()), (set(by_harm[:half]), set()), (set(), numbers), (set(), set(by_lost[:half])),
    ]  # fmt: skip
    for limit in (int8 * 10 ** (loss / 10) for loss in losses_db):
        sets.append((bearable(limit, set()), set()))
        if int4 := bearable(limit, numbers):
            sets += [(int4, numbers - int4), (int4, fewest(limit, int4))]
    return [pair for at, pair in enumerate(sets) if any(pair) and pair not in sets[:at]]


def _text(layers: Sequence[Layer], int4: set[int], int16: set[int]) -> str:
    def named() -> Iterator[tuple[str, tuple[int, ...]]]:
        for name, chosen in (("int4", int4), ("int16", int16)):
            if chosen:
                yield name, () if len(chosen) == len(layers) else tuple(sorted(chosen))

    return Precision.written(write_by_layer(tuple(named())))
