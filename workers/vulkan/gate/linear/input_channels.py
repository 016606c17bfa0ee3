"""Quantised linear operators read input channels in fours, weights of 4 bits in groups in eights."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME

_MULTIPLES = {
    "et_vk.linear_q4gsw.default": 8,
    "et_vk.linear_dq8ca_q4gsw.default": 8,
    "et_vk.linear_qcs4w.default": 4,
    "et_vk.linear_q8ta_q8csw.default": 4,
    "et_vk.q8ta_linear.default": 4,
    "et_vk.q8ta_linear_gemv.default": 4,
}


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        multiple = _MULTIPLES.get(call.name)
        if multiple and call.tensors[0].shape[-1] % multiple:
            channels = call.tensors[0].shape[-1]
            yield call.name, f"{channels} input channels are no multiple of {multiple}; the runtime aborts at load"


RULE = Rule(
    "input-channels",
    Severity.REFUSED,
    "VK_CHECK_COND in QuantizedLinear.cpp, QuantizedLinearQCSNW.cpp, Q8taLinear.cpp and Q8taLinearGemv.cpp",
    KNOWN_RUNTIME,
    _check,
)
