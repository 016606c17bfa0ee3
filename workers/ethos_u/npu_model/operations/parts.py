"""Large results are computed part by part, so that what is in between stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from workers.ethos_u.command_stream import FeatureMap

#: Elements of a result that are computed at once.
_ELEMENTS = 1 << 16


def by_parts(
    compute: Callable[[np.ndarray, np.ndarray | None], np.ndarray], ifm: np.ndarray, ifm2: np.ndarray | None,
    ofm: FeatureMap, axes: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    """What `compute` gives.

    Args:
        compute: gives what belongs to the OFM, `[S, H, W, C]`.
        ifm, ifm2: its arguments, `[S, H, W, C]`; where they have size 1 along an axis, that belongs to all parts.
        ofm: what is computed.
        axes: those along which nothing depends on anything else: 0, or 0 and 1.

    Returns:
        `[S, *ofm.shape]`, as if it were computed at once.
    """
    sets = max(len(ifm), 0 if ifm2 is None else len(ifm2))
    return _parts(compute, ifm, ifm2, (sets, *ofm.shape), axes)


def _parts(
    compute: Callable[[np.ndarray, np.ndarray | None], np.ndarray], ifm: np.ndarray, ifm2: np.ndarray | None,
    shape: tuple[int, ...], axes: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    elements = prod(shape)
    if elements <= _ELEMENTS or not axes:
        return compute(ifm, ifm2)
    axis = axes[0]
    step = max(1, _ELEMENTS * shape[axis] // elements)
    parts = []
    for start in range(0, shape[axis], step):
        size = min(step, shape[axis] - start)
        here = (slice(None),) * axis + (slice(start, start + size),)
        first, second = (one if one is None or one.shape[axis] == 1 else one[here] for one in (ifm, ifm2))
        assert first is not None
        parts.append(_parts(compute, first, second, (*shape[:axis], size, *shape[axis + 1 :]), axes[1:]))
    # Along an axis that no input has, every part is the same.
    return np.concatenate(parts, axis) if sum(one.shape[axis] for one in parts) == shape[axis] else parts[0]
