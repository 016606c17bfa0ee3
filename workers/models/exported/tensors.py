"""The tensors in what a model takes or gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.errors import ModelError

if TYPE_CHECKING:
    import torch

#: Of the largest element: what sums in another order and folded batch norms may change.
_TOLERANCE = 1e-3


def copied(values: Sequence[Any]) -> tuple[Any, ...]:
    """Copies of the tensors in a model's inputs or outputs; what is no tensor is taken over.

    A model may write to its inputs. Its outputs may be buffers that the next run writes to.
    """
    import torch
    from torch.utils import _pytree as pytree

    return tuple(pytree.tree_map(lambda one: one.clone() if isinstance(one, torch.Tensor) else one, tuple(values)))


def agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Compare two tensors but for rounding in float; NaN counts as zero.

    Args:
        one: what is expected. Differences are held against its largest element.
        other: what is found.

    Returns:
        Whether they are of one shape and the same.
    """
    import torch

    a, b = (value.detach().to(torch.float64).nan_to_num() for value in (one, other))
    return a.shape == b.shape and bool((a - b).abs().le(_TOLERANCE * a.abs().max()).all()) if a.numel() else True


def tensors(values: Any) -> tuple[torch.Tensor, ...]:
    """The tensors in nested tuples, lists and dicts, in PyTorch's order of leaves and without gradients. Numbers and
    None among them are left out."""
    import torch
    from torch.utils import _pytree as pytree

    return tuple(leaf.detach() for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor))


def as_array(value: Any) -> np.ndarray:
    """A copy of a tensor, or of a number, as numpy has it.

    Args:
        value: without gradients, of any strides.

    Returns:
        An array of the same element type; of a number, one of rank 0.

    Raises:
        ModelError: numpy has no such element type, as for bfloat16.
    """
    import torch

    if not isinstance(value, torch.Tensor):
        return np.asarray(value)
    try:
        return np.array(value.detach().numpy(), order="C")
    except TypeError:
        kind = str(value.dtype).removeprefix("torch.")
        raise ModelError(f"an input or output is {kind}, which numpy has no type for") from None


def as_arrays(values: Any) -> list[np.ndarray]:
    """What a runtime takes or gives for nested tuples, lists and dicts.

    It is tensors and numbers, in PyTorch's order of leaves. None and texts, which a `.pte` has no values for, are left
    out. Raises ModelError as `as_array`.
    """
    from torch.utils import _pytree as pytree

    return [as_array(leaf) for leaf in pytree.tree_leaves(values) if leaf is not None and not isinstance(leaf, str)]
