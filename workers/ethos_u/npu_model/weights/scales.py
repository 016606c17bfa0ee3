"""Biases and scales per channel: entries of 10 bytes, in one stream or (Ethos-U65-512) alternating between two.

Source: `EncodeBias*` and `*ScaleSource` in Vela's `ethosu55/ethos_u55_weight_encoder.cpp` and
`ethosu85/ethos_u85_weight_encoder.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.ethos_u.npu_model.errors import Fault, Unmodelled

_ENTRY_BYTES = 10
_SHIFT_BITS = 6


@dataclass(frozen=True, eq=False)
class ChannelScales:
    """What is done to the sum of each channel: `bias` is added, and it is multiplied by `scale / 2**shift`.

    Attributes:
        bias: int64 `[C]`.
        scale: int64 `[C]`, unsigned.
        shift: int64 `[C]`, 0..63.
    """

    bias: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class Layout:
    """The layout of an entry: from the lowest byte on, bias, scale and shift, then zeros.

    Attributes:
        bias_bytes: of a number in two's complement.
        scale_bytes: of an unsigned number.
        scale_bits: how many bits of it are used.
    """

    bias_bytes: int
    scale_bytes: int
    scale_bits: int


U55 = Layout(5, 4, 32)
#: By the accumulator's format.
U85 = {"I32": Layout(4, 4, 31), "I48": Layout(6, 2, 15)}


def channel_scales(streams: Sequence[bytes], channels: int, layout: Layout, multiple: int) -> ChannelScales:
    """Read the entries of all channels.

    Args:
        streams: one for each core that has channels; channel `i` is in stream `i % len(streams)`.
        channels: of the OFM.
        layout: of an entry.
        multiple: entries of a stream are padded to a multiple of it.

    Returns:
        int64 `[channels]` each: bias, scale and shift.

    Raises:
        Fault: a stream is too short.
        Unmodelled: bits are set that have no known meaning.
    """
    bias, scale, shift = (np.empty(channels, np.int64) for _ in range(3))
    for at, stream in enumerate(streams):
        here = slice(at, None, len(streams))
        count = len(bias[here])
        needed = -(-count // multiple) * multiple
        if len(stream) < needed * _ENTRY_BYTES:
            raise Fault(f"the stream has {len(stream) // _ENTRY_BYTES} entries, {needed} are needed")
        entries = np.frombuffer(stream, np.uint8, count * _ENTRY_BYTES).reshape(count, _ENTRY_BYTES)
        scale_end = layout.bias_bytes + layout.scale_bytes
        bias[here] = _signed(entries[:, : layout.bias_bytes])
        scale[here] = _unsigned(entries[:, layout.bias_bytes : scale_end])
        shift[here] = _unsigned(entries[:, scale_end:])
    if (scale >> layout.scale_bits).any() or (shift >> _SHIFT_BITS).any():
        raise Unmodelled("an entry has bits whose meaning is not known")
    return ChannelScales(bias, scale, shift)


def _unsigned(columns: np.ndarray) -> np.ndarray:
    """int64 of bytes, lowest first."""
    return (columns.astype(np.int64) << 8 * np.arange(columns.shape[1])).sum(axis=1)


def _signed(columns: np.ndarray) -> np.ndarray:
    sign = 1 << 8 * columns.shape[1] - 1
    return (_unsigned(columns) ^ sign) - sign
