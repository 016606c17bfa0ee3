"""int8 convolutions compute the first image of a batch only. Those of floats do not take a batch."""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import FLOAT, INT8
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        images = call.tensors[0].shape[0] if call.tensors and len(call.tensors[0].shape) == 4 else 1
        if images > 1 and call.name in INT8:
            yield (
                call.name,
                f"its input has {images} images and the dispatch covers the first",
            )
        if images > 1 and call.name in FLOAT:
            yield call.name, f"its input has {images} images, and it takes one; the runtime aborts at load"


RULE = Rule(
    "convolution-batches",
    Severity.REFUSED,
    "the global workgroup sizes in Q8taConv2d.cpp, Q8taConv2dDW.cpp, Q8taConv2dPW.cpp and Q8taConv2dTransposed.cpp; "
    "VK_THROW in Convolution.cpp. ExecuTorch's partitioner does not check what a pattern fuses (thread 21876)",
    KNOWN_RUNTIME,
    _check,
)
