"""How many taps of a window lie inside the input, over all positions of the output."""

from __future__ import annotations

from workers.cortex_m.cost.call import KernelCall


def valid_taps(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> list[int]:
    """The taps of the kernel that read values and not padding, per output position along one axis.

    Args:
        size: of the input along the axis.
        out: of the output along it.
        kernel, stride, padding, dilation: along it; the padding is the one before the input.

    Returns:
        A number per output position.
    """
    positions = ((place * stride - padding + tap * dilation for tap in range(kernel)) for place in range(out))
    return [sum(0 <= one < size for one in taps) for taps in positions]


def taps_inside(call: KernelCall) -> int:
    """Pairs of output position and tap that read the input, of one image."""
    return sum(valid_rows(call)) * sum(valid_columns(call))


def valid_rows(call: KernelCall) -> list[int]:
    """`valid_taps` along the height."""
    return valid_taps(call.h, call.oh, call.kh, call.sh, call.ph, call.dh)


def valid_columns(call: KernelCall) -> list[int]:
    """`valid_taps` along the width."""
    return valid_taps(call.w, call.ow, call.kw, call.sw, call.pw, call.dw)
