"""Arrays in `.npy` files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workers.cache.atomic_write import write_whole
from workers.errors import ModelError, one_line


def read_arrays(paths: Sequence[Path]) -> list[np.ndarray]:
    """The arrays of `.npy` and `.npz` files, file by file, those of a `.npz` in stored order.

    Nothing is unpickled. Raises ModelError if a file cannot be read.
    """
    return [array for path in paths for array in _read(path)]


def write_arrays(place: Path, arrays: Sequence[np.ndarray]) -> list[Path]:
    """Write arrays into a `.npz`, as `output_0`, `output_1`, ..., or each into a `.npy` in a folder.

    Args:
        place: a path that ends in `.npz`, or a folder, which is made if it is missing.
        arrays: of any shape and dtype but objects.

    Returns:
        The files written.

    Raises:
        ModelError: one cannot be written.
    """
    named = {f"output_{number}": array for number, array in enumerate(arrays)}
    contents: dict[Path, bytes] = {}
    if place.suffix.lower() == ".npz":
        buffer = io.BytesIO()
        np.savez(buffer, **named)  # type: ignore[arg-type, unused-ignore]
        contents[place] = buffer.getvalue()
    else:
        for name, array in named.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            contents[place / f"{name}.npy"] = buffer.getvalue()
    for path, content in contents.items():
        try:
            write_whole(path, content)
        except OSError as error:
            raise ModelError(f"{path}: cannot be written, {error.strerror}") from error
    return list(contents)


def first_difference(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> str:
    """Where outputs are not what was expected. Values that are not a number are equal to each other.

    Args:
        expected: arrays of any shape and dtype.
        found: the arrays to compare.

    Returns:
        One line; empty if they are equal, value by value.
    """
    if len(expected) != len(found):
        return f"{len(expected)} outputs were expected, it has {len(found)}"
    for number, (wanted, array) in enumerate(zip(expected, found, strict=True)):
        if (wanted.dtype, wanted.shape) != (array.dtype, array.shape):
            return f"output {number} is {described(array)} instead of {described(wanted)}"
        differs = (array != wanted) & ~((array != array) & (wanted != wanted))  # not a number is equal to itself here
        if differs.any():
            at = tuple(int(one) for one in np.argwhere(differs)[0])
            return (
                f"{int(differs.sum())} of {wanted.size} values of output {number} differ, the first at {list(at)}: "
                f"{array[at]!s} instead of {wanted[at]!s}"
            )
    return ""


def described(array: np.ndarray) -> str:
    """As in `float32[1, 10]`."""
    return f"{array.dtype}{list(array.shape)}"


def _read(path: Path) -> list[np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return [loaded]
        with loaded:
            return [loaded[name] for name in loaded.files]
    except OSError as error:
        raise ModelError(f"{path}: cannot be read, {error.strerror or one_line(error)}") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: not a .npy or .npz file of plain arrays ({one_line(error)})") from error
