"""Does a whole program compute the default's outputs, where ExecuTorch has cut the two at other places?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.checking.verdict import Verdict
from workers.ethos_u.lowering.delegates.run_lowered import run_lowered
from workers.ethos_u.lowering.lowering import lowered_program, quantised_program
from workers.models.exported.tensors import as_arrays
from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from pathlib import Path

    from torch.export import ExportedProgram

    from search_space.choices.frontend.base import Setting
    from workers.ethos_u.target import Target
    from workers.models.types import ExportedModel

_CALIBRATION_INPUTS = 2
_RANDOM_INPUTS = 2
#: Random inputs reach beyond the calibration data, so that values saturate too.
_REACH = 1.25


def check_whole(
    model: ExportedModel, target: Target, setting: Setting, *, seed: int, calibration_data: Path | None = None
) -> Verdict:
    """Compare the program lowered by a setting with the default one, on calibration, random and constant inputs.

    Args:
        model: exported.
        target: the accelerator and its board.
        setting: inside ExecuTorch.
        seed: of random inputs.
        calibration_data: as of `workers.ethos_u.lowering.lowering.lower`.

    Returns:
        Whether all outputs are equal bit for bit; if not, where.

    Raises:
        ModelError: as `lower`.
        ReferenceFailed: the reference model does not run a delegate.
    """
    quantised = quantised_program(model, target, seed=seed, calibration_data=calibration_data)
    default = lowered_program(model, target, quantised)
    other = lowered_program(model, target, quantised, setting)
    for kind, inputs in whole_inputs(quantised.samples, seed):
        expected, actual = (_outputs(program, inputs) for program in (default, other))
        for number, (a, b) in enumerate(zip(expected, actual, strict=True)):
            if a.shape != b.shape or a.dtype != b.dtype:
                return Verdict(False, f"output {number} of the whole program has another shape or type")
            if a.tobytes() != b.tobytes():
                count = int((a != b).sum())
                reason = f"{count} of {a.size} values of output {number} of the whole program differ on {kind} inputs"
                return Verdict(False, reason)
    return Verdict(True)


def whole_inputs(samples: Sequence[tuple[Any, ...]], seed: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Inputs for a whole model. Integers, such as indices, stay those of the first sample.

    Args:
        samples: argument tuples of the model.
        seed: of the random ones.

    Yields:
        The kind of each set, and its argument tuple.
    """
    import torch
    from torch.utils import _pytree as pytree

    for sample in samples[:_CALIBRATION_INPUTS]:
        yield "calibration", sample
    low = pytree.tree_map(lambda *same: _least(same), *samples)
    high = pytree.tree_map(lambda *same: -_least([-one for one in same]) if _is_float(same[0]) else same[0], *samples)
    generator = torch.Generator().manual_seed(seed)

    def between(part: Any) -> tuple[Any, ...]:
        def value(least: Any, most: Any) -> Any:
            if not _is_float(least):
                return least
            parts = torch.rand(least.shape, generator=generator) if part is None else torch.full(least.shape, part)
            middle, reach = (most + least) / 2, _REACH * (most - least) / 2
            return torch.empty_like(least).copy_(middle + reach * (2 * parts - 1))

        return pytree.tree_map(value, low, high)

    for _ in range(_RANDOM_INPUTS):
        yield "random", between(None)
    yield "minimum", between(0.0)
    yield "maximum", between(1.0)


def _is_float(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.is_floating_point()


def _least(values: Sequence[Any]) -> Any:
    """A tensor like the first one, filled with the least number in any of them."""
    import torch

    if not _is_float(values[0]) or not values[0].numel():
        return values[0]
    return torch.full_like(values[0], float(min(one.min() for one in values)))


def _outputs(program: ExportedProgram, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    with toolchain_hushed():
        outputs = run_lowered(program.module(check_guards=False), inputs)
    return as_arrays(outputs)
