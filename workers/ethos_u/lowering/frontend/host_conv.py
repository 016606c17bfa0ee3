"""Convolutions with large strides, which ExecuTorch refuses for their padding, on the NPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from workers.ethos_u.cost.estimates.host_operators import HostOperator
from workers.ethos_u.lowering.frontend.edge import before_partitioning, dequantises, short_name

if TYPE_CHECKING:
    from executorch.backends.arm.tosa.specification import TosaSpecification
    from torch.export import ExportedProgram
    from torch.fx import Node

_CONVOLUTION = "convolution"
_LARGEST_STRIDE = 3  # that ExecuTorch gives U55 and U65 together with padding


@contextmanager
def lowering(alternative: str) -> Iterator[None]:
    """Inside the block, ExecuTorch is given the padding of such convolutions as an operator of its own."""
    with before_partitioning(_pad_apart):
        yield


def concerns(host_operators: Iterable[HostOperator]) -> bool:
    """Whether the default lowering leaves anything on the CPU that may be such a convolution."""
    return any(f".{_CONVOLUTION}." in one.name and not one.is_transposed for one in host_operators)


def _pad_apart(program: ExportedProgram, spec: TosaSpecification) -> None:
    for node in list(program.graph_module.graph.nodes):
        if short_name(node) == _CONVOLUTION and _is_refused(node):
            # Arguments: data, weights, bias, stride, padding, dilation, transposed, output padding, groups.
            arguments: Any = node.args
            padded = _padded(arguments[0], arguments[4])
            node.args = (padded, *arguments[1:4], [0] * len(arguments[4]), *arguments[5:])
    program.graph_module.recompile()


def _is_refused(convolution: Node) -> bool:
    data, _, _, stride, padding, dilation, transposed, *_ = convolution.args
    source: Any = data
    steps, widths, spread = (list(of) for of in (stride, padding, dilation))  # type: ignore[arg-type]
    return (
        not transposed
        and dequantises(source)
        and max(steps) > _LARGEST_STRIDE
        and any(widths)
        and all(one == 1 for one in spread)
    )


def _padded(data: Node, padding: list[int]) -> Node:
    """The data as the convolution saw them, by the scale they have: a dequantised value."""
    from executorch.backends.arm.common.annotation_meta import ArmAnnotationInfo
    from executorch.exir.dialects._ops import ops
    from torch.nn import functional

    quantisation: Any = data.args[1:]  # scale, zero point, lowest, highest, type
    pairs = list(chain.from_iterable((width, width) for width in reversed(padding)))
    graph = data.graph
    with graph.inserting_after(data):
        pad = graph.call_function(ops.edge.aten.constant_pad_nd.default, (data, pairs, 0.0))
    with graph.inserting_after(pad):
        of = ops.edge.quantized_decomposed
        quantise = graph.call_function(of.quantize_per_tensor.default, (pad, *quantisation))
    with graph.inserting_after(quantise):
        dequantise = graph.call_function(of.dequantize_per_tensor.default, (quantise, *quantisation))
    value = functional.pad(data.meta["val"], pairs)  # of a tensor without contents
    annotation = {ArmAnnotationInfo.CUSTOM_META_KEY: ArmAnnotationInfo(quantized=True)}
    pad.meta = {**data.meta, "val": value, "custom": {**data.meta.get("custom", {}), **annotation}}
    quantise.meta = {**data.meta, "val": value.to(quantisation[-1])}
    dequantise.meta = {**data.meta, "val": value}
    return dequantise
