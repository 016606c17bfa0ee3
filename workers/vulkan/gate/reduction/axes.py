"""The axis that an operator reduces, as the runtime numbers it."""

from __future__ import annotations

from workers.vulkan.lowering.graph.vk_graph import Call, Tensor

SOFTMAX = ("aten._softmax.default", "aten._log_softmax.default")
REDUCTIONS = ("aten.mean.dim", "aten.sum.dim_IntList", "aten.amax.default", "aten.amin.default")

#: Width, height, channels, batch.
CHANNELS_AXIS, BATCH_AXIS = 2, 3


def reduced_axes(call: Call) -> tuple[int, ...] | None:
    """What a softmax or a reduction runs along.

    Args:
        call: one of `SOFTMAX` or `REDUCTIONS`.

    Returns:
        Axes from the innermost on, the width being 0; None where the operator names no dimensions.
    """
    rank, dims = len(call.tensors[0].shape), call.arguments[1]
    if dims is None:
        return None
    return tuple(rank - 1 - dim % rank for dim in ((dims,) if isinstance(dims, int) else dims))


def group_axis(tensor: Tensor, reduced: int) -> int:
    """The axis whose rows share a workgroup.

    Args:
        tensor: on a texture; the result of the operator.
        reduced: the axis that is reduced, below `BATCH_AXIS`.

    Returns:
        Of the two other axes, the one along which the texture is longer.
    """
    one, other = (reduced + 1) % 3, (reduced + 2) % 3
    return one if tensor.extents[one] > tensor.extents[other] else other
