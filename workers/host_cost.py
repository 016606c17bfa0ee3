"""What the work that stays on the CPU costs: a prediction, in cycles of the NPU's clock.

Nobody publishes cycles of ExecuTorch's kernels on a Cortex-M, and silicon was not at hand. So the price of an operator
is counted: the instructions that the innermost loop of its kernel needs per element, by class, on the Armv8.1-M core
that Arm pairs with the NPU (Cortex-M55 with U55 and U65, Cortex-M85 with U85), one instruction a cycle, the CPU clocked
as the NPU is. Counts are low on purpose: loop set-up, index arithmetic, cache misses and the interpreter's dispatch are
left out, so the true cost is higher. It is the floor that makes work on the host never free.

What a class rests on:

- `view`: ExecuTorch's memory planning lets the result be the operand; no instruction per element.
- `copy`: load, store, and the index of one of them.
- `convert`: portable `quantize_per_tensor`/`dequantize_per_tensor` work on single floats: load, multiply by the scale,
  round (VRINTR, VCVT), add the zero point, clamp twice, store, and the loop. Dequantising is shorter and priced alike.
- `arithmetic`: two loads, a floating point operation, a store, the loop.
- `function`: exp, tanh, erf and their like from the C library; Arm's optimized-routines need some 20 to 40 floating
  point instructions for one single-precision value without special cases.
- `reduce`: a load, an addition or comparison and the loop for every element read.
- `product`: for every multiply-accumulate two loads, VFMA and the loop: the portable kernels are not vectorised.
"""

from __future__ import annotations

from collections.abc import Iterable

from search_space.dtypes import payload_bytes
from search_space.graph import Graph
from workers.host_operators import HostOperator

#: Instructions per element of the larger of operands and results; `product`: per multiply-accumulate.
INSTRUCTIONS = {"view": 0, "copy": 4, "convert": 10, "arithmetic": 6, "function": 30, "reduce": 4, "product": 5}

#: A delegate's call. ExecuTorch's EthosUBackend copies every input into the NPU's arena and every output out of it,
#: four bytes in a load and a store; the driver then maintains the caches, writes some 30 registers, starts the NPU, and
#: an interrupt ends it. Two thousand instructions are our estimate of the part that does not depend on sizes.
CALL_INSTRUCTIONS = 2000
_INSTRUCTIONS_PER_COPIED_BYTE = 0.5

_CLASSES = {
    "view": "view view_copy alias reshape unsqueeze unsqueeze_copy squeeze squeeze_copy detach getitem alloc",
    "copy": "permute permute_copy transpose_copy clone cat slice slice_copy select select_copy expand expand_copy "
    "repeat constant_pad_nd index index_select gather embedding stack split_copy split_with_sizes_copy pixel_shuffle "
    "flip roll _to_copy _to_dim_order_copy _clone_dim_order full full_like unfold_copy upsample_nearest2d",
    "convert": "quantize_per_tensor dequantize_per_tensor quantize_per_channel dequantize_per_channel",
    "arithmetic": "add sub mul div neg abs relu clamp minimum maximum where eq ne lt le gt ge logical_and logical_or "
    "logical_not bitwise_not floor ceil round hardtanh hardswish hardsigmoid leaky_relu upsample_bilinear2d sqrt rsqrt "
    "reciprocal remainder fmod",
    "reduce": "mean sum amax amin max min argmax argmin any all cumsum avg_pool1d avg_pool2d max_pool2d "
    "max_pool2d_with_indices _adaptive_avg_pool2d native_layer_norm native_group_norm native_batch_norm "
    "_native_batch_norm_legit_no_training var",
    "product": "convolution conv1d conv2d conv3d mm bmm matmul addmm baddbmm linear",
}
_CLASS_OF = {name: kind for kind, names in _CLASSES.items() for name in names.split()}


def kind_of(name: str) -> str:
    """The class of an operator, such as `aten.relu.default`. One that is in no class counts as a `function`, the
    dearest one per element."""
    parts = name.split(".")
    return _CLASS_OF.get(parts[1] if len(parts) > 1 else parts[0], "function")


def operator_cycles(one: HostOperator) -> int:
    """Predicted cycles of one operator on the CPU."""
    kind = kind_of(one.name)
    work = one.macs if kind == "product" else max(one.reads, one.writes)
    return INSTRUCTIONS[kind] * work


def call_cycles(interface_bytes: int) -> int:
    """Predicted cycles that the CPU spends on one call of a delegate with inputs and outputs of this size."""
    return CALL_INSTRUCTIONS + round(_INSTRUCTIONS_PER_COPIED_BYTE * interface_bytes)


def interface_bytes(delegate: Graph) -> int:
    """Size of all that is copied in and out at one call of a delegate."""
    types = [delegate[i].type for i in (*delegate.inputs, *delegate.outputs)]
    return sum(payload_bytes(one.dtype, one.elements) for one in types)


def host_cycles(operators: Iterable[HostOperator], interfaces_bytes: Iterable[int]) -> int:
    """Predicted cycles of all that one inference does on the CPU: operators, and one call of each delegate."""
    return sum(map(operator_cycles, operators)) + sum(map(call_cycles, interfaces_bytes))
