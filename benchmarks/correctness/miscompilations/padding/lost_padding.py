"""Padded windows of a slice."""

from __future__ import annotations

from benchmarks.correctness.miscompilations.miscompilation import U55, U65, U85, Miscompilation, Observed
from benchmarks.correctness.miscompilations.streams import windows
from velatune.testing.program import Program
from workers.ethos_u.vela.compiler import Compiled

_KERNEL = (3, 3)


def _slice(p: Program, batch: int) -> int:
    """Half of the channels."""
    return p.slice(p.input(batch, 6, 6, 32), (0, 0, 0, 16), (batch, 6, 6, 16))


def _max_pool(p: Program) -> int:
    return p.op(
        "MAX_POOL2D", (_slice(p, 2),), (2, 6, 6, 16), kernel=_KERNEL, stride=(1, 1), pad=(1, 1, 1, 1),
        nan_mode="PROPAGATE",
    )  # fmt: skip


def _observe(compiled: Compiled) -> Observed:
    found = [
        (one.padding.top, one.padding.left, one.padding.bottom, one.padding.right)
        for _, one in windows(compiled)
        if one.padding is not None
    ]
    wrong = not any(top or left for top, left, _, _ in found)
    paddings = ", ".join(map(str, dict.fromkeys(found)))
    return Observed(wrong, f"{len(found)} operations with padding (top, left, bottom, right): {paddings}")


MISCOMPILATION = Miscompilation(
    name="lost-padding",
    summary=(
        "A decomposed CONV2D, DEPTHWISE_CONV2D or pool of a SLICE loses its padding above and on the left. It is so "
        "for a batch, a dilation above 2 or a stride above 3."
    ),
    affected={"5.1.0": (U55, U65, U85), "5.2.0": (U55, U65, U85)},
    make=lambda p: p.conv(_slice(p, 2), 16, _KERNEL),
    others={
        "CONV2D with a dilation of 3": lambda p: p.conv(_slice(p, 1), 16, _KERNEL, dilation=(3, 3)),
        "DEPTHWISE_CONV2D of a batch": lambda p: p.conv(_slice(p, 2), 16, _KERNEL, depthwise=True),
        "MAX_POOL2D of a batch": _max_pool,
    },
    observe=_observe,
    cause=(
        "`DecomposeConv2D`, `DecomposeDepthwiseConv2D`, `DecomposeAvgPool` and `DecomposeMaxPool` "
        "(compiler/scheduler_decompose.cpp) make the leading padding a negative offset of the IFM slice. They use "
        "`TensorSlice::Initialize` (compiler/operation.hpp). That changes nothing where there is an offset already: "
        "the one of the SLICE, from `MoveSplitSliceToConsumer` (compiler/graphir_optimiser.cpp). "
        "`UpdatePaddingAndIfmOffset` finds no negative offset and sets the padding above and on the left to 0."
    ),
    effect="Every window sees pixels below and to the right of its own, and at the end more padding.",
    workaround=(
        "An operation between SLICE and window, such as a TABLE with every value at its own place. velatune's "
        "`copy-sliced-operand` puts one there, and no other pass makes such a window "
        "(`search_space/building/miscompiled/lost_padding.py`)."
    ),
    instead=lambda p: p.conv(p.every_value_by_table(_slice(p, 2)), 16, _KERNEL),
)
