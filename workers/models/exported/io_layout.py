"""How a program's inputs and outputs lie in memory: what the caller and the program have agreed on.

PyTorch calls NHWC `channels_last`: the shape stays [N, C, H, W], the strides change. ExecuTorch writes the order of the
dimensions in memory, the outermost first, into the `.pte`. Its delegates take inputs and give outputs as they lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workers.models.exported.tensors import tensors

if TYPE_CHECKING:
    import torch

#: Of rank-4 tensors.
IoLayout = Literal["nchw", "nhwc"]
DimOrder = tuple[int, ...]

_NHWC = (0, 2, 3, 1)


def relaid(inputs: tuple[Any, ...], layout: IoLayout) -> tuple[Any, ...]:
    """The same values, every tensor of rank 4 in this layout.

    Args:
        inputs: arguments of a module, tensors at any depth.
        layout: `nchw` or `nhwc`.

    Returns:
        The same structure; tensors of other ranks are the same ones.
    """
    import torch
    from torch.utils import _pytree as pytree

    form = torch.channels_last if layout == "nhwc" else torch.contiguous_format
    return pytree.tree_map_only(torch.Tensor, lambda t: t.to(memory_format=form) if t.ndim == 4 else t, inputs)


def has_rank_4(inputs: tuple[Any, ...]) -> bool:
    """Whether there is a tensor that a layout says something about."""
    return any(tensor.ndim == 4 for tensor in tensors(inputs))


def layout_of(inputs: tuple[Any, ...]) -> IoLayout:
    """`nhwc` if any tensor lies in memory so; else `nchw`, also where there is none of rank 4."""
    return "nhwc" if any(tensor.dim_order() == _NHWC for tensor in tensors(inputs)) else "nchw"


def laid_like(tensor: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The values of a tensor, in the element type of `wanted` and in memory as it lies.

    Args:
        tensor: with the shape of `wanted`.
        wanted: gives element type and strides.

    Returns:
        A tensor like `wanted` with the values of `tensor`.
    """
    import torch

    value = tensor.to(wanted.dtype)
    return value if value.stride() == wanted.stride() else torch.empty_like(wanted).copy_(value)


def strides_of(inputs: tuple[Any, ...]) -> str:
    """How the tensors lie in memory; empty if all lie in the order of their dimensions, without gaps."""
    strides = [unusual_strides(tensor) for tensor in tensors(inputs)]
    return ";".join(strides) if any(strides) else ""


def unusual_strides(tensor: torch.Tensor) -> str:
    """Strides of a tensor; empty if it lies in memory in the order of its dimensions, without gaps."""
    import torch

    # `is_contiguous` does not look at dimensions of size 1, ExecuTorch's dim order does.
    usual = torch.empty(tensor.shape, device="meta").stride()
    return "" if tensor.stride() == usual else str(tensor.stride())


@dataclass(frozen=True)
class Interface:
    """Dim orders of the inputs and outputs of a program that are tensors, outermost dimension first."""

    inputs: tuple[DimOrder, ...]
    outputs: tuple[DimOrder, ...]

    def __str__(self) -> str:
        """One line that says what is NHWC; empty if nothing is."""
        sides = {"input": self.inputs, "output": self.outputs}
        nhwc = [f"{side}s" for side, orders in sides.items() if _NHWC in orders]
        orders = [
            f"{side} {at} has dim order {','.join(map(str, order))}"
            for side, of_side in sides.items()
            for at, order in enumerate(of_side)
        ]
        return f"{' and '.join(nhwc)} are NHWC: {', '.join(orders)}" if nhwc else ""
