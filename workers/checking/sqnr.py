"""The signal-to-quantisation-noise ratio of outputs: how near they come to those of the float model.

It is 20 * log10(|x| / |x - y|) dB. Here x is an output of the float model and y that of a lowered program. Both are
over all elements and all inputs. `torch.ao.ns.fx.utils.compute_sqnr` has the same formula. Elements that are the same
infinity, or NaN, in both count as neither signal nor noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

#: Beyond what single precision can tell apart; also where there is no noise at all.
MOST_DB = 200.0


def sqnr_of_outputs(wanted: Sequence[Sequence[Any]], found: Sequence[Sequence[Any]]) -> tuple[float, ...]:
    """The ratio of each output, over all sets of inputs.

    Args:
        wanted: outputs of the float model, for each set of inputs; arrays, or tensors without gradients.
        found: outputs of the program, as many.

    Returns:
        dB by output, see `sqnr_db`.
    """
    by_output = zip(zip(*wanted, strict=True), zip(*found, strict=True), strict=True)
    return tuple(sqnr_db(one, other) for one, other in by_output)


def sqnr_db(wanted: Iterable[Any], found: Iterable[Any]) -> float:
    """The ratio of one output, over all sets of inputs: see the head of this file.

    Args:
        wanted: its values by the float model, for each set of inputs. It is an array or a detached tensor.
        found: its values by the program, of the same numbers of elements.

    Returns:
        dB, between -MOST_DB and MOST_DB.
    """
    signal = noise = 0.0
    for one, other in zip(wanted, found, strict=True):
        expected, given = _numbers(one), _numbers(other)
        given = given.reshape(expected.shape)
        same = ~np.isfinite(expected) & ((expected == given) | (np.isnan(expected) & np.isnan(given)))
        expected, given = np.where(same, 0, expected), np.where(same, 0, given)
        with np.errstate(invalid="ignore"):  # infinity less infinity of the other sign
            noise += float(np.square(np.abs(expected - given)).sum())
        signal += float(np.square(np.abs(expected)).sum())
    if noise == 0:
        return MOST_DB
    if signal == 0 or not math.isfinite(noise):
        return -MOST_DB
    return min(MOST_DB, max(-MOST_DB, 10 * math.log10(signal / noise)))


def _numbers(values: Any) -> np.ndarray:
    # numpy has no type for bfloat16.
    array = np.asarray(values.float() if str(getattr(values, "dtype", "")) == "torch.bfloat16" else values)
    return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
