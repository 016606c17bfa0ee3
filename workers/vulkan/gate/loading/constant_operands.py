"""Operands that an operator packs when the file is loaded, and that the model computes; and the opposite."""

from collections.abc import Iterator

from workers.vulkan.gate.finding import Rule, Severity
from workers.vulkan.lowering.graph.vk_graph import Graph, Tensor
from workers.vulkan.target import KNOWN_RUNTIME

#: Name of an operator -> places of the arguments that it packs, with what they are.
_PACKED = {
    "aten.linear.default": {1: "weights", 2: "bias"},
    "aten.convolution.default": {1: "weights", 2: "bias"},
    "et_vk.conv_with_clamp.default": {1: "weights", 2: "bias"},
    "aten.native_layer_norm.default": {2: "weights", 3: "bias"},
    "aten._native_batch_norm_legit_no_training.default": {1: "weights", 2: "bias", 3: "mean", 4: "variance"},
    "aten.native_group_norm.default": {1: "weights", 2: "bias"},
    "et_vk.rms_norm.default": {1: "weights"},
    "aten.embedding.default": {0: "table"},
}

#: Name of an operator -> places of the arguments that must not be constants. ExecuTorch uploads constants at the first
#: place of an operator that packs others itself.
_COMPUTED = {"aten.addmm.default": {1: "first matrix"}}


def _check(graph: Graph) -> Iterator[tuple[str, str]]:
    for call in graph.calls:
        for place, what in _PACKED.get(call.name, {}).items():
            operand = call.arguments[place] if place < len(call.arguments) else None
            if isinstance(operand, Tensor) and operand.constant is None:
                yield call.name, f"its {what} are computed, and it packs constants only; the runtime aborts at load"
        for place, what in _COMPUTED.get(call.name, {}).items():
            operand = call.arguments[place]
            if isinstance(operand, Tensor) and operand.constant is not None:
                yield call.name, f"its {what} is a constant, and it takes a computed one; the runtime aborts at load"


RULE = Rule(
    "constant-operands",
    Severity.REFUSED,
    "PrepackNode.cpp takes constants, and Matmul.cpp tensors; GemmCommon.cpp, Convolution.cpp and the files of the "
    "normalisations pack so. ExecuTorch's AddmmToLinearTransform makes a linear operator of every product with a "
    "transposed matrix",
    KNOWN_RUNTIME,
    _check,
)
