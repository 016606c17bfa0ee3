"""softmax and reductions of one dimension on textures, where a workgroup of four rows is not full."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.gate.reduction.axes import BATCH_AXIS, REDUCTIONS, SOFTMAX, group_axis, reduced_axes
from workers.vulkan.lowering.graph.vk_graph import BUFFER, Graph
from workers.vulkan.target import KNOWN_RUNTIME

_ROWS = 4


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        if call.name not in (*SOFTMAX, *REDUCTIONS) or call.results[0].storage == BUFFER:
            continue
        axes = reduced_axes(call) or ()
        # Two dimensions at once have a shader of their own, whose workgroups are full.
        if len(axes) == 1 and axes[0] < BATCH_AXIS:
            rows = call.results[0].extents[group_axis(call.results[0], axes[0])]
            if rows % _ROWS:
                yield call.name, f"{rows} rows on a texture are no multiple of {_ROWS}; compare it on the device"


RULE = Rule(
    "partial-groups",
    Severity.SUSPECT,
    "runs of softmax on lavapipe: with Mesa 25.0.7 9 rows gave 9 dB, 4 and 8 rows more than 137; with Mesa 22.3.6 "
    "9 rows gave 138. In softmax.glsl and reduce.glsl workers without a row return before a barrier that the others "
    "wait at, which Vulkan leaves undefined",
    KNOWN_RUNTIME,
    _check,
)
