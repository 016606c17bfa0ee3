"""Reductions of all dimensions, and of none."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.reduction.axes import REDUCTIONS, reduced_axes
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in REDUCTIONS:
            axes, rank = reduced_axes(call), len(call.tensors[0].shape)
            if (axes is None and rank != 1) or (axes is not None and len(axes) not in (1, 2)):
                yield call.name, "does not name one or two dimensions; the runtime aborts at load"


RULE = Rule("reduced-dimensions", Severity.REFUSED, "DEFINE_REDUCE_FN in Reduce.cpp", KNOWN_RUNTIME, _check)
