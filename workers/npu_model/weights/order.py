"""Where the weights of a convolution stand in its streams, as an array of indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: An index for what stands in a stream without being a weight of the tensor.
PADDING = -1


@dataclass(frozen=True, eq=False)
class Order:
    """The order of weights in the streams of one geometry.

    Attributes:
        lengths: weights in each stream, padding counted.
        positions: int32 `[OFM depth, kernel height, kernel width, IFM depth]`, where each weight stands in the streams
            put one behind the other.
    """

    lengths: tuple[int, ...]
    positions: np.ndarray


def order_of(shape: tuple[int, int, int, int], streams: Sequence[np.ndarray]) -> Order:
    """Turn the contents of streams around.

    Args:
        shape: of the tensor.
        streams: for each stream the indices into the flat tensor in the order of the stream, or `PADDING`.
    """
    contents = np.concatenate(streams)
    positions = np.empty(np.prod(shape), np.int32)
    stands = np.flatnonzero(contents >= 0)
    positions[contents[stands]] = stands
    return Order(tuple(len(stream) for stream in streams), positions.reshape(shape))


def along_depth(block: np.ndarray, starts: range, channel_elements: int) -> np.ndarray:
    """The same OFM block at several depths, one behind the other; `block` counts from its own first channel."""
    offsets = np.array(starts)[:, None] * channel_elements
    return np.where(block >= 0, block + offsets, PADDING).ravel()
