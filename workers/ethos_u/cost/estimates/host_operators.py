"""The operators that a lowering leaves on the CPU, and how much each of them works on."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node


@dataclass(frozen=True)
class HostOperator:
    """One call of an operator on the CPU.

    Attributes:
        name: as in `quantized_decomposed.quantize_per_tensor.default`.
        reads: elements of all its operands.
        writes: elements of all its results.
        macs: multiply-accumulates of a convolution or matrix product, 0 for others.
        reason: why the partitioner left it on the CPU; empty where it gave none.
        is_transposed: whether it is a transposed convolution, which has the name of the other ones.
    """

    name: str
    reads: int
    writes: int
    macs: int = 0
    reason: str = ""
    is_transposed: bool = False


def on_cpu(operators: Iterable[HostOperator]) -> list[str]:
    """For people: each kind of operator once, with its reason, in alphabetical order."""
    return sorted({f"{one.name} ({one.reason})" if one.reason else one.name for one in operators})


def host_operators(modules: Iterator[GraphModule]) -> Iterator[HostOperator]:
    """Those of a lowered program, in program order; the branches and bodies of control flow count once."""
    from executorch.exir.delegate import executorch_call_delegate
    from torch._ops import OpOverload

    for module in modules:
        for node in module.graph.nodes:
            if node.op == "call_function" and node.target not in (operator.getitem, executorch_call_delegate):
                # An edge operator wraps the ATen one, whose name is the one that people know. What an ATen operator
                # wraps is a function of C++, whose name has its address in it.
                target = node.target
                name = str(target if isinstance(target, OpOverload) else getattr(target, "_op", target))
                reads = [shape for source in node.all_input_nodes for shape in _shapes(source)]
                writes = _shapes(node)
                yield HostOperator(
                    name,
                    reads=sum(map(prod, reads)),
                    writes=sum(map(prod, writes)),
                    macs=_macs(name, node, writes),
                    is_transposed=_is_transposed(name, node),
                )


def _shapes(node: Node) -> list[tuple[int, ...]]:
    """Of the tensors that a node gives; none where that is not known."""
    value = node.meta.get("val")
    values: Any = value if isinstance(value, list | tuple) else [value]
    return [tuple(int(size) for size in one.shape) for one in values if hasattr(one, "shape")]


def _is_transposed(name: str, node: Node) -> bool:
    return ".conv_transpose" in name or (".convolution." in name and bool(node.args[6]))


def _macs(name: str, node: Node, writes: list[tuple[int, ...]]) -> int:
    """Every result of a convolution sums over one filter. Of a matrix product it sums over the last dimension of its
    first operand (the bias of `addmm` comes before it)."""
    short = name.split(".")[1] if "." in name else name
    operands = [shape for source in node.all_input_nodes for shape in _shapes(source)[:1]]
    results = sum(map(prod, writes))
    if short in ("convolution", "conv1d", "conv2d", "conv3d") and len(operands) > 1:
        # weights: [out, in / groups, *kernel], of a transposed convolution [in, out / groups, *kernel]
        filters = operands[1]
        return (prod(operands[0]) if _is_transposed(name, node) else results) * prod(filters[1:])
    if short in ("mm", "bmm", "matmul", "linear") and operands:
        return results * operands[0][-1]
    if short in ("addmm", "baddbmm") and len(operands) > 1:
        return results * operands[1][-1]
    return 0
