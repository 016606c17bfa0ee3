"""Powers of negative numbers, and of integers."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name == "aten.pow.Tensor_Tensor" and call.results[0].dtype == "int32":
            yield call.name, "cuts off a power of floats, which is 1 too small for some integers"
        elif call.name == "aten.pow.Tensor_Tensor":
            yield call.name, "is not defined for negative bases; compare it on the device"
        elif call.name == "aten.pow.Tensor_Scalar" and call.arguments[1] < 0 and call.arguments[1] % 2 == 1:
            yield call.name, f"the exponent {call.arguments[1]} loses the sign of negative bases, and of 0 it makes 0"


RULE = Rule(
    "negative-bases",
    Severity.SUSPECT,
    "pow of GLSL in the table binary_op_buffer.yaml; power_of in binary_op_defs.glslh",
    KNOWN_RUNTIME,
    _check,
)
