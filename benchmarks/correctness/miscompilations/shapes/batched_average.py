"""Large padded averages of a batch."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_BATCH, _CHANNELS = 2, 8


def _pool(p: Program, value: int, kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, ...]) -> int:
    batch, height, width, channels = p.shape(value)
    rows = (height + pad[0] + pad[1] - kernel[0]) // stride[0] + 1
    columns = (width + pad[2] + pad[3] - kernel[1]) // stride[1] + 1
    zeros = p.data(0, "INT8"), p.data(0, "INT8")
    return p.op(
        "AVG_POOL2D", (value, *zeros), (batch, rows, columns, channels), kernel=kernel, stride=stride, pad=pad,
        acc_type="INT32",
    )  # fmt: skip


def _tall(p: Program, in_channels: bool = False) -> int:
    """in_channels: with the batch before the channels, and back again."""
    value = p.input(_BATCH, 14, 8, _CHANNELS)
    if in_channels:
        value = p.reshape(p.transpose(value, 1, 2, 0, 3), 1, 14, 8, _BATCH * _CHANNELS)
    result = _pool(p, value, (9, 3), (1, 1), (4, 4, 1, 1))
    if in_channels:
        result = p.transpose(p.reshape(result, 14, 8, _BATCH, _CHANNELS), 2, 0, 1, 3)
    return result


def _strided(p: Program) -> int:
    return _pool(p, p.input(_BATCH, 17, 19, _CHANNELS), (5, 5), (4, 5), (1, 3, 3, 3))


def _observe(compiled: Compiled) -> Observed:
    """What sums are written, and what the products with the divisors read."""
    operations = computing(compiled)
    divided = [one.ifm for one in operations if one.elementwise_mode == "MUL"]
    summed = [one.ofm for one in operations if one.pooling_mode == "SUM"]
    used, sums = ({one.addresses[0] for one in maps if one and one.addresses} for maps in (divided, summed))
    beyond = {at for at in sums if at >= compiled.scratch_bytes}
    says = f"sums are written to {_listed(sums)} of an arena of {compiled.scratch_bytes} bytes, and read from"
    return Observed(bool(beyond), f"{says} {_listed(used)}")


def _listed(addresses: set[int]) -> str:
    return ", ".join(map(str, sorted(addresses))) or "a chain"


MISCOMPILATION = Miscompilation(
    name="batched-average",
    summary=(
        "A padded AVG_POOL2D of a batch has a kernel above 8 or a stride above 3. It writes all sums but the first "
        "batch's beyond their tensor."
    ),
    affected={"5.1.0": (U85,), "5.2.0": (U85,)},
    make=_tall,
    others={"a stride of 4": _strided},
    observe=_observe,
    cause=(
        "`DecomposeAvgPool` (compiler/scheduler_decompose.cpp) makes an operation for each of the batch, each with a "
        "slice of the result. For each it then makes a sum, a MUL and a shift. The tensor for the sums is that of one "
        "batch. The sum keeps the offset of the slice that the result had, which is past that tensor's end."
    ),
    effect=(
        "The sums of later batches are written beyond their tensor, here beyond the arena. Their averages are computed "
        "from those of the first. Ethos-U55 and U65 do not take such a program."
    ),
    workaround="The batch transposed and reshaped into the channels, and back after the pool.",
    instead=lambda p: _tall(p, in_channels=True),
)
