"""Windows that see nothing but padding."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import windows
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_CHANNELS = 8


def _dilated(p: Program, dilation: int = 4, whole: bool = False) -> int:
    """A kernel of two rows so far apart that some windows have none on an image of one row. whole: the image has the
    zeros around it that the padding stands for."""
    value = p.input(1, 1, 1, _CHANNELS)
    above, below = dilation - 1, dilation
    pad = (above, below, 0, 0)
    if whole:
        zeros = [p.data([[[[0] * _CHANNELS]] * rows], "INT8") for rows in (above, below)]
        value, pad = p.concat(1, zeros[0], value, zeros[1]), (0, 0, 0, 0)
    weights = p.data(p.random.integers(-127, 128, (_CHANNELS, 2, 1, _CHANNELS)), "INT8")
    operands = value, weights, p.bias(_CHANNELS, False), p.data(0, "INT8"), p.data(0, "INT8")
    sums = p.op(
        "CONV2D", operands, (1, dilation, 1, _CHANNELS), "INT32", pad=pad, stride=(1, 1), dilation=(dilation, 1),
        local_bound=False, acc_type="INT32",
    )  # fmt: skip
    return p.rescale(sums, "INT8", 1 / 500)


def _observe(compiled: Compiled) -> Observed:
    rows = [one.ifm.shape[0] for _, one in windows(compiled) if one.ifm is not None]
    return Observed(min(rows) < 1, f"IFMs of {', '.join(map(str, rows))} rows")


MISCOMPILATION = Miscompilation(
    name="empty-window",
    summary="A CONV2D with a dilation above 2 reads an empty IFM where windows see only padding.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_dilated,
    others={"a dilation of 3": lambda p: _dilated(p, 3)},
    observe=_observe,
    cause=(
        "`HandleDilation` (compiler/scheduler_decompose.cpp) makes an operation for each phase of the dilation. Of a "
        "phase that has no row of the image in it, IFM_HEIGHT is 0. The register holds the height less 1."
    ),
    effect="The registers of these operations describe 65,536 rows. Their results should be the bias alone.",
    workaround="The padding written as zeros around the image.",
    instead=lambda p: _dilated(p, whole=True),
)
