"""What the work that stays on the CPU costs: a prediction, in cycles of the NPU's clock.

Two things are priced: the operators that ExecuTorch leaves on the CPU, and every call of a delegate. An operator is
priced by the instructions that its kernel executes, times the cycles that one takes. The core is a Cortex-M55, which
Arm pairs with the NPU. docs/objective.md says which numbers were counted, which were measured, and which are assumed;
`velatune validate` prints them beside the evidence (workers/ethos_u/cost/evidence/README.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from search_space.ir.dtypes import payload_bytes
from search_space.ir.graph import Graph
from workers.ethos_u.cost.estimates.host_operators import HostOperator

#: Of the prices here; part of every result's identity.
HOST_VERSION = "2"


@dataclass(frozen=True)
class Price:
    """Of one class of operators.

    Attributes:
        instructions: per element of the larger of operands and results, or per multiply-accumulate where `by` says so.
        basis: `counted`: instructions executed under QEMU, see `host_operators.csv` of the evidence; `assumed`: nobody
            publishes a count, and the note on the class says what it was set by.
        by: what the instructions are counted per.
        vector: whether the kernel is written with vector instructions, which take more than a cycle each.
    """

    instructions: float
    basis: Literal["counted", "assumed"]
    by: Literal["element", "mac"] = "element"
    vector: bool = False


#: By class. Scalar kernels are ExecuTorch's portable ones.
PRICES = {
    # Memory planning lets the result be the operand; `view_copy` is no instruction of the program.
    "view": Price(0, "counted"),
    "quantize": Price(2.8125, "counted", vector=True),
    "dequantize": Price(1.624, "counted", vector=True),
    # Portable `permute_copy` computes the place of each element with divisions.
    "permute": Price(31.1, "counted"),
    "layout": Price(18.4, "counted"),
    # Set by `slice_copy`, which copies runs of elements.
    "run": Price(3.1, "assumed"),
    "slice": Price(3.1, "counted"),
    # One computed place per element, as `_clone_dim_order` has: set by that.
    "gather": Price(18.4, "assumed"),
    "relu": Price(11.4, "counted"),
    # A generic loop over one element each, as `relu` has: set by that.
    "arithmetic": Price(11.4, "assumed"),
    "reduce": Price(11.4, "assumed"),
    "power": Price(121.4, "counted"),
    # The loop of `relu` and some 30 floating point instructions for one value of exp, tanh, erf and their like.
    "function": Price(41.4, "assumed"),
    # Portable `convolution` computes the place of each operand of each multiply-accumulate.
    "convolution": Price(41.8, "counted", "mac"),
    # Two loads, a multiply-accumulate and the loop.
    "product": Price(5, "assumed", "mac"),
}

#: Entering and leaving a kernel, whatever its size: checks of arguments, set-up of loops. Counted.
KERNEL_INSTRUCTIONS = 250
#: What the runtime executes for each operator besides its kernel. Counted.
DISPATCH_INSTRUCTIONS = 110

#: Cycles for an instruction of a kernel with vector instructions: `quantize_per_tensor` took 1,365,831 cycles for
#: 150,528 elements on the Cortex-M55 of an Alif E8. Scalar kernels were measured nowhere: an instruction a cycle is
#: assumed.
VECTOR_CYCLES = 3.22
SCALAR_CYCLES = 1.0

#: NPU cycles that pass at each call of a delegate while the NPU does nothing: the driver starts the job, an interrupt
#: ends it. Measured on an FPGA with U85-1024 (`board_idle`); the clock of its CPU is not published.
CALL_CYCLES = 5926
#: ExecuTorch's EthosUBackend::execute copies every input into the NPU's arena and every output out of it with memcpy,
#: as it lies in memory. Instructions per copy and per byte, counted.
COPY_INSTRUCTIONS = 25
COPIED_BYTE_INSTRUCTIONS = 0.5625

_CLASSES = {
    "view": "view view_copy alias reshape unsqueeze unsqueeze_copy squeeze squeeze_copy detach getitem alloc",
    "quantize": "quantize_per_tensor quantize_per_channel",
    "dequantize": "dequantize_per_tensor dequantize_per_channel",
    "permute": "permute permute_copy transpose_copy",
    "layout": "clone _clone_dim_order _to_copy _to_dim_order_copy",
    "slice": "slice slice_copy",
    "run": "cat select select_copy constant_pad_nd embedding stack split_copy split_with_sizes_copy full full_like",
    "gather": "index index_select gather expand expand_copy repeat pixel_shuffle flip roll unfold_copy "
    "upsample_nearest2d",
    "relu": "relu",
    "arithmetic": "add sub mul div neg abs clamp minimum maximum where eq ne lt le gt ge logical_and logical_or "
    "logical_not bitwise_not floor ceil round hardtanh hardswish hardsigmoid leaky_relu upsample_bilinear2d sqrt rsqrt "
    "reciprocal remainder fmod",
    "reduce": "mean sum amax amin max min argmax argmin any all cumsum avg_pool1d avg_pool2d max_pool2d "
    "max_pool2d_with_indices _adaptive_avg_pool2d native_layer_norm native_group_norm native_batch_norm "
    "_native_batch_norm_legit_no_training var",
    "power": "pow",
    "convolution": "convolution conv1d conv2d conv3d",
    "product": "mm bmm matmul addmm baddbmm linear",
}
_CLASS_OF = {name: kind for kind, names in _CLASSES.items() for name in names.split()}


def kind_of(name: str) -> str:
    """The class of an operator, such as `aten.relu.default`. One that is in no class counts as a `function`."""
    parts = name.split(".")
    return _CLASS_OF.get(parts[1] if len(parts) > 1 else parts[0], "function")


def kernel_instructions(one: HostOperator) -> float:
    """Predicted instructions of an operator's kernel on a Cortex-M55."""
    price = PRICES[kind_of(one.name)]
    if not price.instructions:
        return 0.0
    work = one.macs if price.by == "mac" else max(one.reads, one.writes)
    return KERNEL_INSTRUCTIONS + price.instructions * work


def kernel_cycles(one: HostOperator) -> float:
    """Predicted CPU cycles of an operator's kernel."""
    return kernel_instructions(one) * (VECTOR_CYCLES if PRICES[kind_of(one.name)].vector else SCALAR_CYCLES)


def operator_cycles(one: HostOperator) -> float:
    """Predicted CPU cycles of one operator, the runtime's part included."""
    cycles = kernel_cycles(one)
    return cycles + DISPATCH_INSTRUCTIONS * SCALAR_CYCLES if cycles else 0.0


def copy_instructions(copied_bytes: int) -> float:
    """Predicted instructions of copying one input or output of a delegate."""
    return COPY_INSTRUCTIONS + COPIED_BYTE_INSTRUCTIONS * copied_bytes


def interface_bytes(delegate: Graph) -> tuple[int, ...]:
    """Sizes of what is copied at one call of a delegate: its inputs, then its outputs."""
    types = (delegate[i].type for i in (*delegate.inputs, *delegate.outputs))
    return tuple(payload_bytes(one.dtype, one.elements) for one in types)


def host_cycles(
    operators: Iterable[HostOperator], interfaces: Iterable[Sequence[int]], npu_cycles_per_cpu_cycle: float = 1.0
) -> int:
    """Predicted NPU cycles that one inference spends on the CPU: operators, and one call of each delegate.

    Args:
        operators: that run on the CPU.
        interfaces: for each call of a delegate, the sizes of its inputs and outputs in bytes.
        npu_cycles_per_cpu_cycle: the clock of the NPU by that of the CPU. `CALL_CYCLES` were counted by the NPU, and
            stay what they are.

    Returns:
        Cycles of the NPU's clock.
    """
    calls = [*interfaces]
    copies = sum(copy_instructions(size) for sizes in calls for size in sizes) + DISPATCH_INSTRUCTIONS * len(calls)
    on_cpu = sum(map(operator_cycles, operators)) + SCALAR_CYCLES * copies
    return round(npu_cycles_per_cpu_cycle * on_cpu) + CALL_CYCLES * len(calls)
