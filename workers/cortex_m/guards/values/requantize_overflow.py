"""Accumulators that overflow when a kernel scales them up.

A kernel multiplies an accumulator by a power of two before it scales it down (CMSIS-NN, `arm_nn_requantize`). It does
so in 32 bits that wrap around. Python does so in 64 bits. The power is large where the outputs' scale is far smaller
than that of products. A clamp such as `hardtanh(0, 1e-4)` after a convolution makes it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.guards.verdict import Severity, Verdict

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

NAME = "requantize-overflow"
_LARGEST = 2**31 - 1


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """A verdict on every convolution and linear layer of a lowered program that some inputs make overflow."""
    for node in program.graph.nodes:
        if node.op != "call_function" or not operator_of(node).startswith("quantized_"):
            continue
        reach = _reach(program, node)
        if reach > _LARGEST:
            message = (
                f"{node.name}: its accumulator may reach {reach:.1e} where it is scaled, beyond 32 bits; "
                "widen the range of its outputs"
            )
            yield Verdict(NAME, node.name, Severity.WRONG, message)


def _reach(program: ExportedProgram, node: Node) -> int:
    """The largest magnitude, over all inputs and channels, of what is shifted left; 0 where nothing is."""
    import torch

    given = {one.name: value for one, value in zip(node.target._schema.arguments, node.args, strict=False)}  # type: ignore[union-attr]
    shifts = _values(program, given.get("requantize_shifts"))
    weights = _values(program, given.get("weight", given.get("weights")))
    if shifts is None or weights is None or int(shifts.max()) <= 0:
        return 0
    by_channel = weights.abs().movedim(-1 if "depth_multiplier" in given else 0, 0).flatten(1).sum(1)
    # With sums of the weights, the inputs' offset lies in these sums.
    sums = _values(program, given.get("kernel_sum"))
    offset = _integer(given["input_offset"]) if sums is None else 0
    added = _values(program, given.get("bias")) if sums is None else sums
    farthest = max(abs(-128 + offset), abs(127 + offset))
    accumulated = by_channel * farthest + (0 if added is None else added.flatten().abs())
    return int((accumulated << torch.clamp(shifts.flatten(), 0, 31)).max())


def _integer(argument: object) -> int:
    assert isinstance(argument, int)
    return argument


def _values(program: ExportedProgram, argument: object) -> torch.Tensor | None:
    """A constant as int64; None where there is none."""
    import torch
    from executorch.backends.transforms.utils import get_param_tensor, is_param_node
    from torch.fx import Node

    if isinstance(argument, Node):
        found = get_param_tensor(program, argument) if is_param_node(program, argument) else None
        return None if found is None else found.detach().to(torch.int64)
    return torch.tensor(argument, dtype=torch.int64) if argument else None
