"""Nearest-neighbour resizing by other factors along the height than along the width."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import computing, size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_HEIGHT, _WIDTH, _CHANNELS = 3, 5, 8


def _half_pixels(p: Program) -> int:
    """`torch.nn.functional.interpolate(x, scale_factor=(2, 4))`, as ExecuTorch writes it."""
    result = (1, 2 * _HEIGHT, 4 * _WIDTH, _CHANNELS)
    return _resize(p, p.input(1, _HEIGHT, _WIDTH, _CHANNELS), result, (4, 2, 8, 2), (-1, -3), (1, 3))


def _corners(p: Program) -> int:
    """The corners of the result are those of the operand."""
    result = (1, 2 * _HEIGHT - 1, 4 * _WIDTH - 3, _CHANNELS)
    return _resize(p, p.input(1, _HEIGHT, _WIDTH, _CHANNELS), result, (2, 1, 4, 1), (0, 0), (0, 0))


def _narrower(p: Program) -> int:
    """Twice as many rows, and two columns of three."""
    return _resize(p, p.input(1, 2, 4, _CHANNELS), (1, 3, 3, _CHANNELS), (2, 1, 2, 3), (0, 0), (0, 0))


def _in_two_steps(p: Program) -> int:
    """Both axes by 2, then each column twice."""
    shape = (1, 2 * _HEIGHT, 2 * _WIDTH, _CHANNELS)
    doubled = _resize(p, p.input(1, _HEIGHT, _WIDTH, _CHANNELS), shape, (4, 2, 4, 2), (-1, -1), (1, 1))
    columns = p.reshape(doubled, *shape[1:3], 1, _CHANNELS)
    return p.reshape(p.concat(2, columns, columns), 1, shape[1], 2 * shape[2], _CHANNELS)


def _resize(
    p: Program, value: int, result: tuple[int, ...], scale: tuple[int, ...], offset: tuple[int, int],
    border: tuple[int, int],
) -> int:  # fmt: skip
    return p.op("RESIZE", (value,), result, scale=scale, offset=offset, border=border, mode="NEAREST")


def _observe(compiled: Compiled) -> Observed:
    """What the last operation that doubles rows and columns reads of the pixels that there are."""
    doubling = [one for one in computing(compiled) if one.upscale == "NEAREST"]
    if not doubling:
        return Observed(False, "no operation doubles its operand")
    ifm = doubling[-1].ifm
    assert ifm is not None
    written = doubling[-2].ofm if len(doubling) > 1 else None
    there = compiled.npu_program.inputs[0].shape[-3:-1] if written is None else written.shape[:2]
    return Observed(ifm.shape[:2] != there, f"{size(ifm.shape[:2])} pixels are read of {size(there)}")


MISCOMPILATION = Miscompilation(
    name="nearest-axes",
    summary="A nearest-neighbour RESIZE by other factors along the height than along the width reads other pixels.",
    affected={"5.1.0": (U55, U65), "5.2.0": (U55, U65)},
    make=_half_pixels,
    others={"by corners": _corners, "fewer columns": _narrower},
    observe=_observe,
    cause=(
        "`LegaliseResize` (compiler/scheduler_decompose.cpp) takes the larger of both factors and doubles both axes "
        "until it is reached. It looks at offsets and denominators only to tell half pixels. It looks at corners by "
        "the larger ratio of both axes. An axis with a smaller factor is not distinguished."
    ),
    effect="Only the first rows or columns of the operand are read, each more often than it should be.",
    workaround="One RESIZE by the common factor, and a CONCAT with itself that repeats rows or columns.",
    instead=_in_two_steps,
)
