"""The tensors in what a model takes or gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def tensors(values: Any) -> tuple[torch.Tensor, ...]:
    """The tensors in nested tuples, lists and dicts, in PyTorch's order of leaves and without gradients; numbers and
    None among them are left out."""
    import torch
    from torch.utils import _pytree as pytree

    return tuple(leaf.detach() for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor))
