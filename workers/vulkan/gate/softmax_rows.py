"""softmax on textures gave wrong rows where their number is no multiple of four."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.target import KNOWN_RUNTIME
from workers.vulkan.vk_graph import BUFFER, Graph

_NAMES = ("aten._softmax.default", "aten._log_softmax.default")


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name in _NAMES and call.results[0].storage != BUFFER and call.results[0].rows % 4:
            yield call.name, f"{call.results[0].rows} rows on a texture are no multiple of 4; compare it on the device"


RULE = Rule(
    "softmax-rows",
    Severity.SUSPECT,
    "runs on lavapipe (Mesa 25.0.7): 9 rows gave 9 dB, 4 and 8 rows more than 137; the shader shares memory between "
    "workers, so lavapipe may have its part in it",
    KNOWN_RUNTIME,
    _check,
)
