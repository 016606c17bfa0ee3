"""The inputs that a person gives for a `.pte`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workers.cache.array_files import read_arrays
from workers.errors import ModelError
from workers.ethos_u.files.run_pte.program import Input
from workers.ethos_u.files.run_pte.random_inputs import random_inputs


def given_inputs(file: Path, wanted: Sequence[Input], paths: Sequence[Path], seed: int) -> list[np.ndarray]:
    """The arrays of files, and the numbers that the program was exported for.

    Without files, the arrays are random.

    Args:
        file: what to call the program in errors.
        wanted: what the program takes.
        paths: `.npy` and `.npz` files, in the order of the program's inputs.
        seed: of random inputs.

    Returns:
        An array for each input that has a dtype.

    Raises:
        ModelError: a file cannot be read, or the files do not have as many inputs as the program.
    """
    if not paths:
        return random_inputs(wanted, seed)
    arrays = read_arrays(paths)
    takes = [one for one in wanted if one.dtype is not None]
    tensors = [one for one in takes if one.value is None]
    if len(arrays) == len(tensors) < len(takes):
        given = iter(arrays)
        arrays = [next(given) if one.value is None else np.asarray(one.value, one.dtype) for one in takes]
    if len(arrays) != len(takes):
        raise ModelError(f"{file}: it takes {len(takes)} inputs, {len(arrays)} were given")
    return [_fitted(array, one) for array, one in zip(arrays, takes, strict=True)]


def _fitted(array: np.ndarray, one: Input) -> np.ndarray:
    """numpy computes in 64 bits, models rarely do."""
    if one.dtype is not None and array.dtype.kind == one.dtype.kind == "f":
        return array.astype(one.dtype)
    return array
