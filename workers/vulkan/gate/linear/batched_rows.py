"""Some quantised linear operators compute the rows of the first batch only."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_ONE_BATCH = (
    "et_vk.linear_q4gsw.default",
    "et_vk.linear_dq8ca_q4gsw.default",
    "et_vk.linear_q8ta_q8csw.default",
    "et_vk.q8ta_linear.default",
    "et_vk.q8ta_linear_gemv.default",
)


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in _ONE_BATCH and call.tensors[0].batch > 1:
            batch = call.tensors[0].batch
            yield (
                call.name,
                f"its input has {batch} batches and the dispatch covers the first; the others stay unwritten",
            )


RULE = Rule(
    "batched-rows",
    Severity.REFUSED,
    "the global workgroup sizes in QuantizedLinear.cpp and Q8taLinear.cpp; runs of linear_q4gsw and q8ta_linear with "
    "two batches gave 0 dB or NaN in the second",
    KNOWN_RUNTIME,
    _check,
)
