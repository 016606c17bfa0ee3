"""Average pools of one window, which ExecuTorch refuses for their stride, on the NPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.edge import before_partitioning, dequantises, quantises, short_name

if TYPE_CHECKING:
    from executorch.backends.arm.tosa.specification import TosaSpecification
    from torch.export import ExportedProgram
    from torch.fx import Node

_POOL = "avg_pool2d"
_LARGEST_STRIDE = 3  # that ExecuTorch gives U55 and U65

#: Largest window for which the CPU's mean is known to be nearer to the true one than the true one can be to a tie.
#: A float sum of n products (x - z) * s, each rounded, errs by at most (n + 1) * n * 255 * s / 2**24, and scaling it
#: back by another 3 roundings; in steps of the result that is (n + 4) * 255 / 2**24, and a tie is 1/2n away.
LARGEST_ODD = 179


@contextmanager
def lowering(alternative: str) -> Iterator[None]:
    """Inside the block, ExecuTorch is given such pools without their stride."""
    with before_partitioning(partial(_without_stride, odd=alternative == "odd")):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such a pool."""
    return any(f".{_POOL}." in one.name for one in host_operators)


def _without_stride(program: ExportedProgram, spec: TosaSpecification, odd: bool) -> None:
    for node in program.graph_module.graph.nodes:
        if short_name(node) != _POOL or (odd and not _rounds_alike(node)):
            continue
        strides = _strides(node)
        if strides is not None:
            # No padding; and said to count, or ExecuTorch takes the rows that no window covers for some.
            node.args = (*node.args[:2], strides, [0, 0], False, True)
    program.graph_module.recompile()


def _strides(pool: Node) -> list[int] | None:
    """The smallest strides by which there is no second window either; None if there is one, or they are too large.

    Arguments: data, window, stride, padding, ceil mode, count padding, divisor.
    """
    data: Any = pool.args[0]
    window: Any = pool.args[1]
    padding: Any = pool.args[3] if len(pool.args) > 3 else (0, 0)
    others = pool.args[4:5] + pool.args[6:]
    image = data.meta["val"].shape[2:]
    strides = [size - width + 1 for size, width in zip(image, window, strict=True)]
    one = tuple(pool.meta["val"].shape[2:]) == (1, 1) and not any(padding) and not any(others)
    return strides if one and max(strides) <= _LARGEST_STRIDE else None


def _rounds_alike(pool: Node) -> bool:
    """An odd number of values, small enough, that go in and out by the same scale and zero point."""
    window: Any = pool.args[1]
    count = prod(window)
    source: Any = pool.args[0]
    readers = list(pool.users)
    return (
        count % 2 == 1
        and count <= LARGEST_ODD
        and dequantises(source)
        and all(quantises(reader) and reader.args[1:3] == source.args[1:3] for reader in readers)
    )
