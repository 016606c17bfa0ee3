"""What the orders of weights on U55, U65 and U85 have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: An index for what stands in a stream without being a weight of the tensor.
PADDING = -1

#: A kernel is worked on in parts of at most 8 x 8 columns and rows of the IFM.
_SUBKERNEL = 8


def subkernel_size(dilation: int) -> int:
    """The most rows or columns of a kernel in one of its parts."""
    return _SUBKERNEL // dilation


def rounded_up(number: int, multiple: int) -> int:
    """The next multiple.

    Args:
        number: at least 0.
        multiple: of what; above 0.

    Returns:
        The least multiple that is not below the number.
    """
    return -(-number // multiple) * multiple


def extents(size: int, most: int) -> list[tuple[int, int]]:
    """The sizes of parts of something, and how many of each there are.

    Args:
        size: of the whole.
        most: size of a part, except for the last one.

    Returns:
        Pairs of a size and a count; none for parts of size 0.
    """
    return [(extent, times) for extent, times in ((most, size // most), (size % most, 1)) if extent and times]


def along_depth(block: np.ndarray, starts: range, channel_elements: int) -> np.ndarray:
    """One OFM block for several depths, one behind the other; `block` counts from its own first channel.

    Args:
        block: int64, index of each weight in the tensor, counted from the block's own first channel; PADDING for
            padding.
        starts: first channels of the blocks.
        channel_elements: weights of one channel.

    Returns:
        int64, one dimension.
    """
    offsets = np.array(starts)[:, None] * channel_elements
    return np.where(block >= 0, block + offsets, PADDING).ravel()


def positions_of(shape: tuple[int, int, int, int], streams: Sequence[np.ndarray]) -> np.ndarray:
    """Where each element of a tensor stands in streams that are put one behind the other.

    Args:
        shape: of the tensor.
        streams: for each of them the indices into the flat tensor in the stream's order, or `PADDING`.

    Returns:
        int32 `[*shape]`, read-only.
    """
    contents = np.concatenate(streams)
    stands = np.flatnonzero(contents >= 0)
    positions = np.empty(shape, np.int32)
    positions.reshape(-1)[contents[stands]] = stands
    positions.flags.writeable = False
    return positions
