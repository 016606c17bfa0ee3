"""The inputs that a model is quantised on: the user's own, or seeded random ones with a warning."""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.errors import ModelError, one_line
from workers.models.exported.io_layout import laid_like
from workers.models.model_source import as_input_tuple

if TYPE_CHECKING:
    import torch

_SUFFIXES = (".pt", ".pth", ".npy", ".npz")
_MAX_SAMPLES = 1000
"""As in ExecuTorch's aot_arm_compiler."""
_RANDOM_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Calibration:
    """Argument tuples to quantise on (at least one), and warnings for the user about them."""

    samples: Sequence[tuple[Any, ...]]
    warnings: tuple[str, ...]


def calibration_for(
    name: str,
    example_inputs: tuple[Any, ...],
    own: Sequence[tuple[Any, ...]] | None,
    data: Path | None,
    seed: int,
) -> Calibration:
    """Choose the calibration inputs: `data` before the model's `own` before random ones.

    Args:
        name: how errors name the model.
        example_inputs: what every sample must look like.
        own: calibration inputs of the model source; None if it has none.
        data: `.pt` (a tensor, tuple, or list of tuples), `.npy` (one input) or `.npz` (one sample, in file order). Or a
            folder of such files, searched recursively and sorted by path.
        seed: of the random inputs, which lie in the range that the example inputs span.

    Returns:
        Argument tuples, and warnings for people.

    Raises:
        ModelError: a file is missing or unreadable, or a sample does not match the example inputs.
    """
    if data is not None:
        samples = []
        for path in calibration_files(data):
            for sample in read_samples(path):
                samples.append(_fitted(sample, example_inputs, str(path)))
        return Calibration(samples[:_MAX_SAMPLES], ())
    if own is not None:
        fitted = [_fitted(s, example_inputs, f"{name}: calibration input {i}") for i, s in enumerate(own)]
        return Calibration(fitted[:_MAX_SAMPLES], ())
    return Calibration(
        [example_inputs, *_random_inputs(example_inputs, seed)],
        (
            f"no calibration data: the example inputs and {_RANDOM_SAMPLES} random ones (seed {seed}) are used; "
            "costs hold, accuracy does not; give --calibration-data",
        ),
    )


def calibration_files(data: Path) -> list[Path]:
    """The files behind a `--calibration-data` path, in the order in which they are read.

    Raises:
        ModelError: the path is missing, of an unknown type, or a folder without such files.
    """
    if data.is_file():
        if data.suffix.lower() not in _SUFFIXES:
            raise ModelError(f"--calibration-data {data}: must be one of {', '.join(_SUFFIXES)}")
        return [data]
    if not data.is_dir():
        raise ModelError(f"--calibration-data {data}: no such file or folder")
    files = sorted(p for p in data.rglob("*") if p.is_file() and p.suffix.lower() in _SUFFIXES)
    if not files:
        raise ModelError(f"--calibration-data {data}: no file in it ends in {', '.join(_SUFFIXES)}")
    return files[:_MAX_SAMPLES]


def read_samples(path: Path) -> Iterator[tuple[Any, ...]]:
    """Those of one file, at most as many as a model is quantised on. Raises ModelError if it cannot be read."""
    import numpy as np
    import torch

    try:
        if path.suffix.lower() == ".npy":
            yield (torch.from_numpy(np.load(path, allow_pickle=False)),)
            return
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                yield tuple(torch.from_numpy(arrays[key]) for key in arrays.files)
            return
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: not readable calibration data, {one_line(error)}") from error
    except Exception as error:  # torch.load: pickle.UnpicklingError, RuntimeError and whatever damage leads to
        raise ModelError(f"{path}: not readable calibration data (plain tensors only), {one_line(error)}") from error
    several = isinstance(loaded, list) and all(isinstance(item, (tuple, list)) for item in loaded)
    for item in loaded[:_MAX_SAMPLES] if several else [loaded]:
        sample = as_input_tuple(item)
        if sample is None:
            raise ModelError(
                f"{path}: holds a {type(item).__name__}, not a tensor, a tuple of tensors or a list of tuples"
            )
        yield sample


def _fitted(sample: tuple[Any, ...], example: tuple[Any, ...], origin: str) -> tuple[Any, ...]:
    """The sample with its tensors in the element types of the example inputs, and lying in memory as they do."""
    if len(sample) != len(example):
        raise ModelError(f"{origin}: has {len(sample)} inputs, the model takes {len(example)}")
    pairs = zip(sample, example, strict=True)
    return tuple(_fitted_input(given, wanted, f"{origin}: input {at}") for at, (given, wanted) in enumerate(pairs))


def _fitted_input(given: Any, wanted: Any, where: str) -> Any:
    """One input as `_fitted`, with the tensors that are nested in it."""
    import torch
    from torch.utils import _pytree as pytree

    if not isinstance(wanted, torch.Tensor):
        if type(given) is not type(wanted):
            raise ModelError(f"{where} is a {type(given).__name__}, the model takes a {type(wanted).__name__}")
        inside, structure = pytree.tree_flatten(wanted)
        if structure.is_leaf():
            return given
        values, other = pytree.tree_flatten(given)
        if other != structure:
            raise ModelError(f"{where} holds {len(values)} values in another structure, the model takes {len(inside)}")
        parts = enumerate(zip(values, inside, strict=True))
        return pytree.tree_unflatten([_fitted_input(*pair, f"{where}, value {at}") for at, pair in parts], structure)
    if not isinstance(given, torch.Tensor):
        raise ModelError(f"{where} is a {type(given).__name__}, the model takes a tensor")
    if given.shape != wanted.shape:
        raise ModelError(f"{where} has shape {list(given.shape)}, the model takes {list(wanted.shape)}")
    if _narrows(given.dtype, wanted.dtype):
        raise ModelError(f"{where} is {given.dtype}, the model takes {wanted.dtype}")
    return laid_like(given, wanted)


def _narrows(given: "torch.dtype", wanted: "torch.dtype") -> bool:
    """Whether a cast would drop an imaginary part or digits after the point."""
    return (given.is_complex and not wanted.is_complex) or (
        given.is_floating_point and not (wanted.is_floating_point or wanted.is_complex)
    )


def _random_inputs(example: tuple[Any, ...], seed: int) -> list[tuple[Any, ...]]:
    import torch
    from torch.utils import _pytree as pytree

    generator = torch.Generator().manual_seed(seed)

    def like(tensor: torch.Tensor) -> torch.Tensor:
        # Indices must stay valid and images in their range, so nothing leaves what the example spans.
        if not tensor.numel():
            return tensor
        if tensor.is_complex():  # they have no order
            return torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        low, high = tensor.min(), tensor.max()
        if tensor.dtype == torch.bool:
            return torch.rand(tensor.shape, generator=generator) < 0.5
        if not tensor.dtype.is_floating_point:
            return torch.randint(int(low), int(high) + 1, tensor.shape, generator=generator, dtype=tensor.dtype)
        if low == high:  # zeros or ones as a placeholder: they say nothing about the range
            return torch.randn(tensor.shape, generator=generator).to(tensor.dtype)
        return (low + (high - low) * torch.rand(tensor.shape, generator=generator)).to(tensor.dtype)

    return [
        pytree.tree_map_only(torch.Tensor, lambda tensor: laid_like(like(tensor), tensor), example)
        for _ in range(_RANDOM_SAMPLES)
    ]
