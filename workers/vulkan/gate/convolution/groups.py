"""Convolutions in groups that are not depthwise: kernels read channels in fours, or those of the first group."""

from collections.abc import Iterator

from workers.vulkan.gate.convolution.operands import FloatConvolution, float_convolutions, int8_groups
from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import HEIGHT, Graph
from workers.vulkan.target import KNOWN_RUNTIME


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for one in float_convolutions(graph):
        reason = _of_floats(one) if one.groups > 1 else ""
        if reason:
            yield one.call.name, reason
    for call in graph.calls:
        groups = int8_groups(call)
        if groups > 1:
            inputs, outputs = (one.shape[1] // groups for one in (call.tensors[0], call.results[0]))
            if inputs % 4:
                yield call.name, f"{inputs} input channels of a group are no multiple of 4; the runtime aborts at load"
            elif outputs % 4:
                yield call.name, f"{outputs} output channels of a group are no multiple of 4; groups share a texel"


def _of_floats(one: FloatConvolution) -> str:
    """Why a convolution of floats in groups fails; empty where it does not."""
    if one.transposed:
        return f"is transposed in {one.groups} groups, and the shader reads the channels of the first"
    if len(one.kernel) == 1:
        # The kernel for pointwise ones is chosen by the layout, which is that of the height.
        pointwise = one.kernel == (1,) and one.input.layout == HEIGHT
        return f"has filters of width 1 in {one.groups} groups; the runtime aborts at load" if pointwise else ""
    if one.is_depthwise:
        return ""
    if one.kernel == (1, 1):
        return f"has filters of 1 by 1 in {one.groups} groups, and the shader reads the channels of the first"
    if one.inputs_in_group % 4 or one.outputs_in_group % 4:
        return (
            f"{one.inputs_in_group} input and {one.outputs_in_group} output channels of a group are not both multiples "
            "of 4; groups share a texel"
        )
    return ""


RULE = Rule(
    "convolution-groups",
    Severity.REFUSED,
    "get_conv2d_method in Convolution.cpp, conv2d.glsl, conv_transpose2d.glsl and conv2d_pw_tiled.glsl; "
    "VK_CHECK_COND in Conv1dPW.cpp, Q8taConv2d.cpp and Q8taConv2dTransposed.cpp",
    KNOWN_RUNTIME,
    _check,
)
