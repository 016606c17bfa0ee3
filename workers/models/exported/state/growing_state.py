"""State that grows while a model runs, such as a counter or a sum of all inputs.

A model is quantised by the ranges of values that calibration shows. Of such a state it shows as much as comes of its
samples. Later runs go beyond that, and the quantised state stays at the end of its range.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workers.models.exported.state.module_state import starts_of_written, state_kept

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

#: Of what was added to a state, for rounding: a mean that keeps 0.999 of itself is distinguished from a sum.
_TOLERANCE = 1e-4


def growing_state(program: ExportedProgram, samples: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    """A warning about floating-point buffers that are still growing at the last calibration sample.

    The last sample gives such a buffer values beyond all earlier ones. And it adds to what the buffer holds. If
    every element were larger by a number before, it would be larger by that number afterwards. A moving average keeps
    less of it. A ring buffer or a cache writes over some of it.

    Args:
        program: float, as torch.export gives it; its buffers are left as they are.
        samples: argument tuples, in the order in which the model is quantised on them.

    Returns:
        The warning, if there is one.
    """
    import torch

    starts = starts_of_written(program)
    names = [name for name, start in starts.items() if start.is_floating_point() and start.numel()]
    if not names:
        return ()
    module = program.module(check_guards=False)
    with torch.no_grad(), state_kept(module):
        growing = _growing(module, names, samples)
    if not growing:
        return ()
    return (
        f"state still grows at the last of {len(samples)} calibration samples ({', '.join(growing)}), and saturates "
        "in longer use; give as many samples as the longest use has runs, or bound or reset it in the model",
    )


def _growing(module: nn.Module, names: Sequence[str], samples: Sequence[tuple[Any, ...]]) -> list[str]:
    buffers = dict(module.named_buffers())
    held = {name: buffers[name] for name in names}
    before = {name: [buffer.clone()] for name, buffer in held.items()}
    for sample in samples[:-1]:
        module(*sample)
        for name, buffer in held.items():
            before[name] = [*_ends(before[name]), buffer.clone()]
    with state_kept(module):
        module(*samples[-1])
        after = {name: buffer.clone() for name, buffer in held.items()}
    found = [name for name in names if _is_beyond(after[name], before[name])]
    return [name for name in found if _is_added_to(module, held[name], after[name], samples[-1])]


def _ends(values: Sequence[Tensor]) -> list[Tensor]:
    return [min(value.min() for value in values), max(value.max() for value in values)]


def _is_beyond(value: Tensor, earlier: Sequence[Tensor]) -> bool:
    low, high = _ends(earlier)
    return bool(value.min() < low or value.max() > high)


def _is_added_to(module: nn.Module, buffer: Tensor, after: Tensor, sample: tuple[Any, ...]) -> bool:
    """Whether all of what a buffer holds more before a run, it holds more after it."""
    more = max(1.0, float(buffer.abs().max()))
    with state_kept(module):
        buffer.add_(more)
        module(*sample)
        kept = buffer - after
    return bool(((kept - more).abs() <= _TOLERANCE * more).all())
