"""Constants that are transposed in several steps."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_SHAPE, _ORDER = (3, 4, 5, 6), (2, 1, 0, 3)

#: Base pointer of the constants.
_CONSTANTS = 0


def _product(p: Program, written_out: bool = False) -> int:
    values = p.random.integers(-128, 128, _SHAPE)
    moved = p.data(values.transpose(_ORDER), "INT8") if written_out else p.transpose(p.data(values, "INT8"), *_ORDER)
    return p.mul(p.input(*(_SHAPE[axis] for axis in _ORDER)), moved)


def _observe(compiled: Compiled) -> Observed:
    operations = computing(compiled)
    written = [one for one in operations if one.ofm and one.ofm.addresses and one.ofm.region == _CONSTANTS]
    return Observed(bool(written), f"{len(written)} of {len(operations)} operations write into region {_CONSTANTS}")


MISCOMPILATION = Miscompilation(
    name="written-constants",
    summary="TRANSPOSE of a constant in several steps writes intermediate values into the constants.",
    affected={"5.1.0": (U55, U85), "5.2.0": (U55, U85)},
    make=_product,
    observe=_observe,
    cause=(
        "Vela transposes the constant on the NPU. A TRANSPOSE that the NPU does not do in one step becomes several "
        "(`DecomposeTranspose` in compiler/scheduler_decompose.cpp). `SwapAxesIn3D` in the same file puts the result "
        "of each into the memory of its operand. That is the read-only memory of region 0. On Ethos-U65 the results "
        "are moved to its fast memory if they fit. Those of a constant of 600,000 bytes are written to region 0 too."
    ),
    effect=(
        "The constants of the delegate are read-only. In flash the write is lost or fails. Elsewhere it overwrites "
        "part of the program's file."
    ),
    workaround="The constant written transposed. velatune's `fold-constants` does so.",
    instead=lambda p: _product(p, written_out=True),
)
