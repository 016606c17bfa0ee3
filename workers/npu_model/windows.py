"""What a kernel sees of a feature map: upscaled, padded, strided and dilated windows.

Used by convolutions, depthwise convolutions and pools.
"""

from __future__ import annotations

import numpy as np

from workers.command_stream import Operation
from workers.npu_model.errors import Fault, Unmodelled


class Windows:
    """The IFM of an operation with a kernel, one view for each tap.

    Attributes:
        depth: channels of the IFM.

    Args:
        operation: gives kernel, padding, upscaling and the size of the OFM.
        values: `[S, H, W, C]` as stored.
        dtype: to compute in; it must have room for `values - zero_point`.
        zero_point: subtracted from the values, but not from what surrounds them.
        around: the value of padding, and of what upscaling with ZEROS puts between values.

    Raises:
        Unmodelled: the upscaling mode is not known.
        Fault: the padding is so large that windows lie outside the IFM.
    """

    def __init__(
        self, operation: Operation, values: np.ndarray, dtype: type[np.generic], zero_point: int = 0, around: float = 0
    ) -> None:
        kernel, padding, ofm = operation.kernel, operation.padding, operation.ofm
        assert kernel is not None and padding is not None and ofm is not None
        self._kernel, self._height, self._width = kernel, ofm.shape[0], ofm.shape[1]
        sets, height, width, self.depth = values.shape
        double = operation.upscale != "NONE"
        rows, columns = (2 * height, 2 * width) if double else (height, width)
        # Rows and columns that windows reach: of an upscaled IFM one more or one less may lie in memory.
        reach_y = (self._height - 1) * kernel.stride_y + kernel.dilated_height
        reach_x = (self._width - 1) * kernel.stride_x + kernel.dilated_width
        shape = (
            sets, max(reach_y, padding.top + rows + padding.bottom), max(reach_x, padding.left + columns + padding.right),
            self.depth,
        )  # fmt: skip
        if min(rows, columns) <= 0:
            raise Fault(f"padding leaves nothing of the IFM at offset {operation.offset:#x}")
        if shape[1:3] == (rows, columns) and not double and values.dtype == dtype and not zero_point:
            self._padded = values
            return
        self._padded = np.full(shape, around, dtype) if shape[1:3] != (rows, columns) or double else np.empty(shape, dtype)
        inner = self._padded[:, padding.top : padding.top + rows, padding.left : padding.left + columns]
        if not double:
            np.subtract(values, zero_point, out=inner, casting="unsafe", dtype=dtype)
        elif operation.upscale in ("ZEROS", "NEAREST"):
            centred = np.subtract(values, zero_point, casting="unsafe", dtype=dtype)
            inner[:, ::2, ::2] = centred
            if operation.upscale == "NEAREST":
                inner[:, 1::2, ::2] = inner[:, ::2, 1::2] = inner[:, 1::2, 1::2] = centred
        else:
            raise Unmodelled(f"upscaling {operation.upscale} at offset {operation.offset:#x}")

    def tap(self, y: int, x: int) -> np.ndarray:
        """The elements under one tap of the kernel, `[S, OFM height, OFM width, C]`; a view."""
        kernel = self._kernel
        top, left = y * kernel.dilation_y, x * kernel.dilation_x
        rows = slice(top, top + (self._height - 1) * kernel.stride_y + 1, kernel.stride_y)
        columns = slice(left, left + (self._width - 1) * kernel.stride_x + 1, kernel.stride_x)
        return self._padded[:, rows, columns]

    def all_taps(self) -> np.ndarray:
        """`[S, OFM height, OFM width, taps * C]`: im2col, taps row by row."""
        taps = [self.tap(y, x) for y in range(self._kernel.height) for x in range(self._kernel.width)]
        return np.concatenate(taps, axis=3)
