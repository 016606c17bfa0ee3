"""Where the two predictions of a program differ, by what the NPU runs, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from results.records.figures import OperatorRow

#: Kinds that differ by less than this part of the larger number are left out, and so are kinds that are a smaller part
#: of the program than the other one by either number.
_DIFFERENT, _WORTH_MENTIONING = 0.1, 0.01

#: What the NPU runs -> why Vela's number is another one, with the classes of docs/objective.md.
_CONVOLUTION = (
    "convolutions that are dilated by more than 2, or have large strides, run in parts; Vela prices each part as the "
    "whole and charges it with the weights again (classes split, shared copy), and one without activation as one with "
    "a look-up table on Ethos-U55/U65 (activation)"
)
_ELEMENTWISE = (
    "on Ethos-U55/U65 Vela reads an operand that is broadcast at full size (class broadcast), and counts 32-bit values "
    "as elements (bytes); starting an operation costs nothing there (starting)"
)
_WHY = {
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
_OTHERWISE = "see the classes in docs/objective.md"


def _why(npu_op: str) -> str:
    return _WHY.get(npu_op, _OTHERWISE)


@dataclass(frozen=True)
class Difference:
    """Cycles of all operators that the NPU runs as `npu_op`: of their operations in the stream, and by Vela."""

    npu_op: str
    rows: int
    stream_cycles: int
    vela_cycles: int

    @property
    def why(self) -> str:
        return _why(self.npu_op)


@dataclass(frozen=True)
class Rise:
    """Cycles by Vela's own estimate that one kind of operator takes more than before."""

    npu_op: str
    cycles: int

    @property
    def why(self) -> str:
        return _why(self.npu_op)


def largest_rise_by_vela(before: Sequence[OperatorRow], after: Sequence[OperatorRow]) -> Rise | None:
    """The kind of operator whose cycles rise most by Vela's estimate; None if those of none do."""
    change: Counter[str] = Counter()
    for row in after:
        change[row.npu_op] += row.vela_cycles
    for row in before:
        change[row.npu_op] -= row.vela_cycles
    kind, cycles = max(change.items(), key=lambda one: (one[1], one[0]), default=("", 0))
    return Rise(kind, cycles) if cycles > 0 else None


def differences(rows: Sequence[OperatorRow]) -> list[Difference]:
    """The kinds that the two predictions see differently, the largest difference first."""
    stream: Counter[str] = Counter()
    vela: Counter[str] = Counter()
    count = Counter(row.npu_op for row in rows)
    for row in rows:
        stream[row.npu_op] += row.cycles
        vela[row.npu_op] += row.vela_cycles
    whole = max(1, min(sum(stream.values()), sum(vela.values())))
    found = [
        Difference(kind, count[kind], stream[kind], vela[kind])
        for kind in count
        if max(stream[kind], vela[kind]) > _WORTH_MENTIONING * whole
        and abs(stream[kind] - vela[kind]) > _DIFFERENT * max(stream[kind], vela[kind])
    ]
    return sorted(found, key=lambda one: (-abs(one.stream_cycles - one.vela_cycles), one.npu_op))
