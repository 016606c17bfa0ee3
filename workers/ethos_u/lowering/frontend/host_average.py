"""One-dimensional average pools as two-dimensional ones, in the float model before it is quantised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.float_program import Call, before_quantising, caller

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: What the pools are in the program that is partitioned.
_POOLS = ("avg_pool1d", "avg_pool2d", "_adaptive_avg_pool2d", "mean")


@contextmanager
def quantising(alternative: str) -> Iterator[None]:
    """Inside the block, this thread's Arm quantisers are given such pools in two dimensions.

    Raises ModelError at the end if there was no quantiser.
    """
    with before_quantising(f"host-average={alternative}", lambda _, model: rewrite(model)):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such a pool."""
    return any(f".{name}." in one.name for one in host_operators for name in _POOLS)


def rewrite(model: GraphModule) -> None:
    """Write one-dimensional average pools as two-dimensional ones.

    Args:
        model: exported and not quantised; changed in place.
    """
    import torch

    aten = torch.ops.aten
    for node in list(model.graph.nodes):
        if node.target not in (aten.avg_pool1d.default, aten.adaptive_avg_pool1d.default):
            continue
        data: Any = node.args[0]
        if data.meta["val"].dim() != 3 or node.kwargs:
            continue
        with model.graph.inserting_before(node):
            call = caller(model, node)
            pool = _average if node.target == aten.avg_pool1d.default else _adaptive
            result = pool(call, data, *node.args[1:])
        if result is not None:
            node.replace_all_uses_with(result)
            model.graph.erase_node(node)
    model.graph.eliminate_dead_code()
    model.recompile()


def _average(
    call: Call, data: Node, window: list[int], stride: list[int] | None = None, padding: list[int] | None = None,
    ceil_mode: bool = False, count_padding: bool = True,
) -> Node:  # fmt: skip
    import torch

    aten = torch.ops.aten
    (width,), (step,), (around,) = window, stride or window, padding or [0]
    if step == width and not around and not ceil_mode:
        return _apart(call, data, width)
    image = call(aten.unsqueeze.default, data, 2)
    pooled = call(aten.avg_pool2d.default, image, [1, width], [1, step], [0, around], ceil_mode, count_padding)
    return call(aten.squeeze.dim, pooled, 2)


def _adaptive(call: Call, data: Node, results: list[int]) -> Node | None:
    """None if its windows have several sizes."""
    length, (count,) = data.meta["val"].shape[2], results
    return None if length % count else _apart(call, data, length // count)


def _apart(call: Call, data: Node, width: int) -> Node:
    """Of windows that do not overlap: each is a row, so that the pool takes no step along them."""
    import torch

    aten = torch.ops.aten
    batch, channels, length = data.meta["val"].shape
    rows = length // width
    if length % width:
        data = call(aten.slice.Tensor, data, 2, 0, rows * width)
    image = call(aten.view.default, data, [batch, channels, rows, width])
    pooled = call(aten.avg_pool2d.default, image, [1, width], [1, 1])
    return call(aten.view.default, pooled, [batch, channels, rows])
