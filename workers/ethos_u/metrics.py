"""What Ethos-U counts of a candidate, in words and numbers. Importing this takes no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.backend.backend import Metric
from workers.backend.cost import Cost, Row

if TYPE_CHECKING:
    from workers.ethos_u.vela.pricing import DelegateCosts

METRICS = (
    Metric(
        "stream_cycles", "cycles of the command streams",
        "predicted cycles of the operations in the command streams", is_estimate=True,
    ),
    Metric(
        "conservative_cycles", "the same, by Vela where no evidence covers them",
        "stream_cycles with Vela's estimate for kinds of operation that no evidence covers",
    ),
    Metric("vela_cycles", "cycles by Vela's own estimate", "Vela's own estimate of the cycles", is_estimate=True),
    Metric("compiler_cycles", "the same with host work", "Vela's own estimate of the cycles, with host_cycles"),
    Metric(
        "host_cycles", "cycles on the CPU and in calling delegates",
        "predicted cycles on the CPU: operators left there, delegate calls",
    ),
    Metric("transposes", "transposes", "transposes that the NPU runs", is_headline=True, is_tabled=True),
    Metric(
        "transpose_cycles", "stream cycles in transposes",
        "the part of stream_cycles that transposes cost", is_headline=True,
    ),
    Metric("npu_ops", "operations on the NPU", "operations on the NPU", is_headline=True),
    Metric("host_ops", "operators on the CPU", "operators left on the CPU", may_not_rise=True),
    Metric("delegates", "NPU delegates", "NPU delegates that the model falls into"),
    Metric(
        "arena_bytes", "arena, bytes",
        "arena that the runtime must provide: in SRAM, or in DRAM for Dedicated_Sram memory modes",
    ),
    Metric("macs", "multiply-accumulates", "multiply-accumulate operations", is_cost=False),
)  # fmt: skip

_CONVOLUTION = (
    "convolutions that are dilated by more than 2, or have large strides, run in parts; Vela prices each part as the "
    "whole and charges it with the weights again (classes split, shared copy), and one without activation as one with "
    "a look-up table on Ethos-U55/U65 (activation)"
)
_ELEMENTWISE = (
    "on Ethos-U55/U65 Vela reads an operand that is broadcast at full size (class broadcast), and counts 32-bit values "
    "as elements (bytes); starting an operation costs nothing there (starting)"
)
#: What the NPU runs -> why Vela's number is another one, with the classes of docs/objective.md.
ESTIMATE_REASONS = {
    "Transpose": (
        "one row can be thousands of pools, which Vela prices by their traffic alone on Ethos-U55/U65 (class many "
        "pools), and by the blocks of before the turn on Ethos-U85 (turned blocks)"
    ),
    "MatMul": "a product runs as pairs of MUL and REDUCE_SUM on Ethos-U55/U65, priced by column (class many products)",
    "Conv2D": _CONVOLUTION,
    "DepthwiseConv2D": _CONVOLUTION,
    "TransposeConv2D": _CONVOLUTION,
    "Resize": "Vela has no formula for it (class no formula)",
    "Gather": "Vela has no formula for it (class no formula)",
    "Scatter": "Vela has no formula for it (class no formula)",
    **dict.fromkeys(("Add", "Sub", "Mul", "Minimum", "Maximum", "Rescale", "SHL", "SHR", "Asr"), _ELEMENTWISE),
}


#: What the NPU runs whose multiplications a bound counts.
MULTIPLYING = frozenset({"Conv2D", "DepthwiseConv2D", "TransposeConv2D", "MatMul"})


def cost_of(cost: DelegateCosts, host_ops: int) -> Cost:
    """A candidate's cost by the names of its metrics.

    Args:
        cost: of its delegates.
        host_ops: its operators on the CPU.

    Returns:
        The cost; predicted.
    """
    values = {
        "stream_cycles": cost.stream_cycles,
        "conservative_cycles": cost.conservative_cycles,
        "vela_cycles": cost.vela_cycles,
        "compiler_cycles": cost.vela_cycles + cost.host_cycles,
        "host_cycles": cost.host_cycles,
        "transposes": cost.transposes,
        "transpose_cycles": cost.transpose_cycles,
        "npu_ops": cost.npu_ops,
        "host_ops": host_ops,
        "delegates": len(cost.command_stream_sha256),
        "arena_bytes": cost.arena_bytes,
        "macs": cost.macs,
    }
    return Cost(
        metrics={one.name: values[one.name] for one in METRICS},
        sram_bytes=cost.sram_bytes,
        flash_bytes=cost.flash_bytes,
        artifact_sha256=cost.command_stream_sha256,
        rows=tuple(Row(r.delegate, r.name, r.source_op, r.npu_op, r.cycles, r.vela_cycles) for r in cost.rows),
    )
