"""Does a lowered program compute what the quantised one does, from which ExecuTorch lowered it?

Integer arithmetic rounds elsewhere, so that they are never equal. Outputs of a right program go up and down together
all the same: their correlation is near 1. Where dimensions or operands are mixed up, it is near 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from workers.ethos_u.lowering.delegates.stock_faults.refusal import something_else

#: Correlations of outputs that are the same but for rounding, and of those that hardly are.
_SAME, _UNLIKE = 0.9, 0.5
#: Elements of an output from which on a correlation is no accident.
_FEWEST = 16
_MOST_DIMENSIONS = 5


def unlike_outputs(name: str, quantised: Sequence[np.ndarray], lowered: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Compare the float outputs of two runs on the same inputs.

    Args:
        name: of the model, for people.
        quantised: outputs of the quantised program.
        lowered: those of the lowered program, as many.

    Returns:
        Warnings about outputs that are not alike.

    Raises:
        ModelError: an output has its dimensions in another order.
    """
    warnings = []
    for number, (wanted, found) in enumerate(zip(quantised, lowered, strict=True)):
        if wanted.dtype.kind != "f" or wanted.size < _FEWEST or wanted.size != found.size:
            continue
        alike = _correlation(wanted, found)
        if alike >= _UNLIKE or not np.isfinite(alike):
            continue
        if order := _order(wanted, found):
            raise something_else(
                name,
                f"output {number} has the values of the quantised model in another order, its dimensions as "
                f"{list(order)}",
            )
        warnings.append(
            f"output {number} of the default lowering has little in common with that of the quantised model (their "
            f"correlation is {alike:.2f}); ExecuTorch may lower it to something else, so compare them on your data"
        )
    return tuple(warnings)


def _order(wanted: np.ndarray, found: np.ndarray) -> tuple[int, ...]:
    """The order of dimensions in which `found` holds what is wanted; empty if there is none."""
    if wanted.ndim > _MOST_DIMENSIONS:
        return ()
    for order in permutations(range(wanted.ndim)):
        if _correlation(wanted.transpose(order), found) >= _SAME:
            return order
    return ()


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; NaN where one is constant or not finite."""
    with np.errstate(all="ignore"):
        return float(np.corrcoef(one.reshape(-1).astype(np.float64), other.reshape(-1))[0, 1])
