"""An output that PAD computes and convolutions read."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import size
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_CHANNELS = 16
_AROUND, _PADDED = (0, 0, 1, 1, 1, 1, 0, 0), (1, 6, 8, _CHANNELS)


def _padded(p: Program) -> int:
    value = p.input(1, 4, 6, _CHANNELS)
    return p.op("PAD", (value, p.data(0, "INT8")), _PADDED, padding=_AROUND)


def _convolved(p: Program, value: int, depthwise: bool = False) -> int:
    return p.conv(value, _CHANNELS, (3, 3), depthwise=depthwise, padded=False)


def _given_out(p: Program, depthwise: bool = False, copied: bool = False) -> tuple[int, int]:
    first = _padded(p)
    result = _convolved(p, first, depthwise)
    return p.every_value_by_table(first) if copied else first, result


def _read_twice(p: Program) -> tuple[int, int, int]:
    first = _padded(p)
    return first, _convolved(p, first), _convolved(p, first, depthwise=True)


def _observe(compiled: Compiled) -> Observed:
    found = [output.shape[-len(_PADDED) :] for output in compiled.outputs]
    return Observed(_PADDED not in found, "outputs: " + ", ".join(map(size, found)))


MISCOMPILATION = Miscompilation(
    name="fused-padding",
    summary="An output is the result of a PAD. It is lost if its only readers are convolutions that take in the PAD.",
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=_given_out,
    others={
        "DEPTHWISE_CONV2D": lambda p: _given_out(p, depthwise=True),
        "two convolutions": _read_twice,
    },
    observe=_observe,
    cause=(
        "`ReplacePadByExplicitPadding` (compiler/graphir_optimiser.cpp) lets the convolution read PAD's input with a "
        "padding of its own. It then takes out the PAD if the result has no readers left. It does not ask whether the "
        "result is an output of the graph. Nothing writes the value then, and Vela gives out the others only."
    ),
    effect=(
        "The delegate has fewer outputs than the program, without a message. ExecuTorch's runtime finds outputs by "
        "their position, so that those after the lost one are taken for others."
    ),
    workaround="An operation between the PAD and the output, such as an identity TABLE.",
    instead=lambda p: _given_out(p, copied=True),
)
