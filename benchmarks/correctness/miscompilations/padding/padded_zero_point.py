"""PAD before a convolution with an input zero point."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import windows
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_ZERO_POINT = 5


def _padded(p: Program, copied: bool = False) -> int:
    padded = p.op(
        "PAD", (p.input(1, 6, 6, 16), p.data(0, "INT8")), (1, 8, 8, 16), padding=(0, 0, 1, 1, 1, 1, 0, 0)
    )  # fmt: skip
    value = p.every_value_by_table(padded) if copied else padded
    operands = (
        p.data(p.random.integers(-127, 128, (16, 3, 3, 16)), "INT8"), p.bias(16, wide=False),
        p.data(_ZERO_POINT, "INT8"), p.data(0, "INT8"),
    )  # fmt: skip
    sums = p.op(
        "CONV2D", (value, *operands), (1, 6, 6, 16), "INT32", pad=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1),
        local_bound=False, acc_type="INT32",
    )  # fmt: skip
    return p.rescale(sums, "INT8", 1 / 5000)


def _observe(compiled: Compiled) -> Observed:
    one = next(one for _, one in windows(compiled) if one.weights)
    assert one.ifm is not None
    found = one.ifm.zero_point
    return Observed(found != _ZERO_POINT, f"IFM zero point {found}; the program's is {_ZERO_POINT}")


MISCOMPILATION = Miscompilation(
    name="padded-zero-point",
    summary="CONV2D with an input zero point loses it after a PAD with the value 0.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_padded,
    observe=_observe,
    cause=(
        "`ReplacePadByExplicitPadding` (compiler/graphir_optimiser.cpp) gives the convolution PAD's input connection, "
        "with a quantisation whose zero point is 0. It compares the value that is padded with to 0, and not to the "
        "convolution's zero point."
    ),
    effect="The convolution is one of x, not of x minus the zero point.",
    workaround="An operation between PAD and CONV2D, such as a TABLE with every value at its own place.",
    instead=lambda p: _padded(p, copied=True),
)
