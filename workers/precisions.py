"""Which layers to give other widths: found by what a layer at a time does to the outputs."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from search_space.choices.precision import Precision, write_by_layer
from search_space.upstream import Setting
from workers.base_program import BaseProgram, exported_model
from workers.calibration import calibration_for
from workers.memo import Memo
from workers.mixed_precision import MixedPrecision
from workers.quantise import is_quantised
from workers.quiet import toolchain_hushed

if TYPE_CHECKING:
    from workers.layers import Layer
    from workers.tasks import Job

#: Calibration inputs that the noise is taken over.
_INPUTS = 4

Noise = Callable[[Collection[int], Collection[int]], float]


def precision_settings(base: BaseProgram, job: Job) -> list[Setting]:
    """Settings of `precision` that are worth lowering for a model; found once, then remembered.

    base: the default program of the job. Raises ModelError if ExecuTorch cannot quantise the model.
    """
    memo, limit = Memo(job.cache_dir / "memo"), job.allowance.max_loss_db
    key = {"kind": "precisions", "base": base.key, "limit": limit, "seed": job.seed, "versions": base.versions}
    known = memo.get(**key)
    if known is None:
        known = {"alternatives": _alternatives(job, limit)}
        memo.put_if_possible(known, **key)
    return [((Precision.name, alternative),) for alternative in known["alternatives"]]


def _alternatives(job: Job, limit: float) -> list[str]:
    model = exported_model(job.source, job.io_layout)
    if model is None or is_quantised(model.program):
        return []
    samples: Sequence[tuple[Any, ...]] = calibration_for(
        model.name, model.example_inputs, model.calibration_inputs, job.calibration_data, job.seed
    ).samples
    with toolchain_hushed():
        mixed = MixedPrecision(model, job.target, samples, _INPUTS)
    return [_text(mixed.layers, *sets) for sets in worth_lowering(mixed.layers, mixed.noise, limit)]


def worth_lowering(layers: Sequence[Layer], noise: Noise, max_loss_db: float) -> list[tuple[set[int], set[int]]]:
    """Pairs of the layers with int4 weights and of those with int16 activations.

    noise: what two such sets make of the outputs, as in `workers.mixed_precision`.

    Layers are taken for int4 in the order of the noise that each alone brings for a weight that it saves, and for int16
    in the order of the noise that comes back if all others have it. Of the sets that follow one another these are:
    half of them and all, for a front of cycles against quality; the largest with int4 weights that keeps within
    max_loss_db of the default, with int8 activations elsewhere, with int16 everywhere else, and with int16 in as few
    layers as will do. They are sought by halving, as if one more layer always brought noise, or with int16 took some.
    """
    if not layers:
        return []
    numbers = {layer.number for layer in layers}
    int8, wide = noise((), ()), noise((), numbers)
    limit = int8 * 10 ** (max_loss_db / 10)
    harm = {one.number: max(0.0, noise({one.number}, ()) - int8) / one.weights for one in layers}
    help_ = {number: noise((), numbers - {number}) - wide for number in numbers}
    by_harm = sorted(numbers, key=lambda number: (harm[number], number))
    by_help = sorted(numbers, key=lambda number: (-help_[number], number))

    def narrow(count: int) -> set[int]:
        return set(by_harm[:count])

    def most(rest: bool) -> set[int]:
        """The largest set with int4 weights that will do, with int16 for the rest or not."""

        def of(count: int) -> float:
            return noise(narrow(count), numbers - narrow(count) if rest else set())

        return narrow(bisect_right(range(1, len(numbers) + 1), limit, key=of))

    def fewest(int4: set[int]) -> set[int]:
        """The smallest set with int16 activations beside these that will do."""
        beside = [number for number in by_help if number not in int4]
        return set(beside[: bisect_left(range(len(beside)), -limit, key=lambda count: -noise(int4, beside[:count]))])

    half = math.ceil(len(numbers) / 2)
    sets: list[tuple[set[int], set[int]]] = [(numbers, set()), (narrow(half), set()), (most(rest=False), set())]
    sets += [(set(), numbers), (set(), set(by_help[:half]))]
    if mixed := most(rest=True):
        sets += [(mixed, numbers - mixed), (mixed, fewest(mixed))]
    return [pair for at, pair in enumerate(sets) if any(pair) and pair not in sets[:at]]


def _text(layers: Sequence[Layer], int4: set[int], int16: set[int]) -> str:
    def named() -> Iterator[tuple[str, tuple[int, ...]]]:
        for name, chosen in (("int4", int4), ("int16", int16)):
            if chosen:
                yield name, () if len(chosen) == len(layers) else tuple(sorted(chosen))

    return Precision.written(write_by_layer(tuple(named())))
