"""Random inputs for a program that was given none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workers.errors import ModelError
from workers.ethos_u.files.run_pte.program import Input

_INDEX_TYPES = ("int32", "int64", "uint32", "uint64")


def random_inputs(wanted: Sequence[Input], seed: int) -> list[np.ndarray]:
    """Random inputs. Floats are normally distributed, and small integers cover their type. Larger ones are 0 or 1,
    which any index may be. Numbers are those of the export.

    Args:
        wanted: what the program takes.
        seed: of the values.

    Returns:
        An array for each input that has a dtype.

    Raises:
        ModelError: a type has no such values.
    """
    random = np.random.default_rng(seed)
    return [_random(one, random) for one in wanted if one.dtype is not None]


def _random(one: Input, random: np.random.Generator) -> np.ndarray:
    dtype = one.dtype
    assert dtype is not None
    if one.value is not None:
        return np.asarray(one.value, dtype)
    if dtype.kind == "f":
        return random.standard_normal(one.shape).astype(dtype)
    if dtype.kind == "b" or dtype.name in _INDEX_TYPES:
        return random.integers(0, 2, one.shape).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max + 1, one.shape).astype(dtype)
    raise ModelError(f"no random values for {dtype}")
