"""What the kernel of a convolution or pool sees: the IFM, upscaled, padded, and cut into windows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled


def padded(operation: Operation, ifm: np.ndarray, fill: int) -> np.ndarray:
    """The IFM after upscaling, with its padding around it.

    Args:
        operation: it has a kernel.
        ifm: `[S, H, W, C]`, H and W before upscaling.
        fill: what padding and the gaps of upscale mode ZEROS are filled with: 0 where zero points are subtracted.

    Returns:
        Array `[S, rows, columns, C]` of the type of `ifm`, with the rows and columns of the OFM's windows.

    Raises:
        Unmodelled: the upscale mode is unknown.
        Fault: padding and OFM size leave nothing of the IFM.
    """
    kernel, padding, ofm = operation.kernel, operation.padding, operation.ofm
    assert kernel is not None and padding is not None and ofm is not None
    sets, _, _, depth = ifm.shape
    rows = (ofm.shape[0] - 1) * kernel.stride_y + kernel.dilated_height
    columns = (ofm.shape[1] - 1) * kernel.stride_x + kernel.dilated_width
    height, width = rows - padding.top - padding.bottom, columns - padding.left - padding.right
    if height <= 0 or width <= 0:
        raise Fault("padding covers the whole of what the kernel sees")
    if operation.upscale == "NONE" and (rows, columns) == ifm.shape[1:3]:
        return ifm
    result = np.full((sets, rows, columns, depth), fill, ifm.dtype)
    inner = result[:, padding.top : padding.top + height, padding.left : padding.left + width]
    if operation.upscale == "NONE":
        inner[:] = ifm
    elif operation.upscale == "NEAREST":
        inner[:] = ifm.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    elif operation.upscale == "ZEROS":
        inner[:, ::2, ::2] = ifm
    else:
        raise Unmodelled(f"IFM upscale mode {operation.upscale} is not modelled")
    return result


def windows(operation: Operation, ifm: np.ndarray) -> np.ndarray:
    """A view of every OFM element's window.

    Args:
        operation: it has a kernel.
        ifm: as `padded` returns it.

    Returns:
        View `[S, OFM height, OFM width, kernel height, kernel width, C]`; it must not be written to.
    """
    kernel, ofm = operation.kernel, operation.ofm
    assert kernel is not None and ofm is not None
    sets, _, _, depth = ifm.shape
    step_s, step_y, step_x, step_c = ifm.strides
    return np.lib.stride_tricks.as_strided(
        ifm,
        (sets, *ofm.shape[:2], kernel.height, kernel.width, depth),
        (
            step_s, step_y * kernel.stride_y, step_x * kernel.stride_x,
            step_y * kernel.dilation_y, step_x * kernel.dilation_x, step_c,
        ),
        writeable=False,
    )  # fmt: skip


def folded(operation: Operation, ifm: np.ndarray, function: np.ufunc) -> np.ndarray:
    """All elements of a window combined into one, rows first, then columns.

    Args:
        operation: it has a kernel.
        ifm: as `padded` returns it.
        function: associative and commutative, like `np.add` or `np.maximum`.

    Returns:
        Array `[S, OFM height, OFM width, C]` of the type of `ifm`.
    """
    kernel, ofm = operation.kernel, operation.ofm
    assert kernel is not None and ofm is not None
    sizes = (kernel.height, kernel.stride_y, kernel.dilation_y), (kernel.width, kernel.stride_x, kernel.dilation_x)
    for axis, ((taps, stride, apart), count) in enumerate(zip(sizes, ofm.shape[:2], strict=True), 1):
        parts = (
            ifm[(slice(None),) * axis + (slice(at, at + (count - 1) * stride + 1, stride),)]
            for at in range(0, taps * apart, apart)
        )
        total = next(parts)
        for at, part in enumerate(parts):
            total = function(total, part, out=total if at else None)
        ifm = total
    return ifm


def taps(operation: Operation, ifm: np.ndarray) -> Iterator[np.ndarray]:
    """The elements under each tap of the kernel, row by row.

    Args:
        operation: it has a kernel.
        ifm: as `padded` returns it.

    Yields:
        Views `[S, OFM height, OFM width, C]`.
    """
    kernel, ofm = operation.kernel, operation.ofm
    assert kernel is not None and ofm is not None
    for top in range(0, kernel.dilated_height, kernel.dilation_y):
        rows = slice(top, top + (ofm.shape[0] - 1) * kernel.stride_y + 1, kernel.stride_y)
        for left in range(0, kernel.dilated_width, kernel.dilation_x):
            columns = slice(left, left + (ofm.shape[1] - 1) * kernel.stride_x + 1, kernel.stride_x)
            yield ifm[:, rows, columns]
