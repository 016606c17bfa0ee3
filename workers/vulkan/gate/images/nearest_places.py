"""Which pixels nearest upsampling takes, in PyTorch and in the runtime."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from workers.vulkan.lowering.graph.vk_graph import Call, Graph


def nearest(graph: Graph) -> Iterator[tuple[Call, bool, str]]:
    """Nearest upsamplings that take another pixel than PyTorch, or one that Vulkan leaves open.

    PyTorch takes `floor(p * before / after)`. The runtime takes `round((p + 0.5) * before / after - 0.5)`, and which
    way a half is rounded is left to the implementation of GLSL.

    Args:
        graph: of a delegate.

    Returns:
        The operator, whether a pixel differs however halves are rounded, and `BEFORE to AFTER` of the first such axis.
    """
    for call in graph.calls:
        if call.name != "aten.upsample_nearest2d.vec":
            continue
        axes = list(zip(call.tensors[0].shape[-2:], call.results[0].shape[-2:], strict=True))
        found = [(differs, axis) for axis in axes if (differs := _differs(*axis)) is not None]
        if found:
            differs, (before, after) = max(found, key=lambda one: one[0])
            yield call, differs, f"{before} to {after}"


def _differs(before: int, after: int) -> bool | None:
    """True: a pixel differs. False: only where a half may be rounded either way. None: none does."""
    ramp = torch.arange(before, dtype=torch.float32).reshape(1, 1, before)
    wanted = torch.nn.functional.interpolate(ramp, size=after).flatten().long()
    doubled = (2 * torch.arange(after) + 1) * before
    upper = doubled // (2 * after)
    halves = doubled % (2 * after) == 0
    same_up, same_down = (one.clamp(0, before - 1) == wanted for one in (upper, upper - 1))
    if not bool((same_up | (halves & same_down)).all()):
        return True
    return None if bool((same_up & (~halves | same_down)).all()) else False
