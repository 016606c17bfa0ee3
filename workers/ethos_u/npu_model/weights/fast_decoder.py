"""The weight format `FWD` of Ethos-U85, for its fast weight decoder.

It is a header and codes of 8, 4 or 2 bits.

Source: Vela's `mlw_encode_fwd.cpp` in `ethosu/regor/dependencies/mlw_codec/source`.
"""

from __future__ import annotations

import numpy as np

from workers.ethos_u.npu_model.errors import Fault, Unmodelled

# The header has a flag for raw weights, one for a table of 4 entries, and at these bits what is subtracted from raw
# weights, and the table. A table's entry is a magnitude above its sign.
_HEADER_BYTES = 32
_RESERVED = 2, 102
_ZERO_BIT, _ZERO_BITS = 104, 8
_TABLE_BIT, _ENTRY_BITS, _ENTRIES = 112, 9, 16

#: A stream is padded to a multiple of it.
_ALIGNMENT_BITS = 256


def decode(stream: bytes, count: int) -> np.ndarray:
    """The weights of a stream for the fast weight decoder.

    Args:
        stream: its bytes.
        count: how many weights there must be.

    Returns:
        int16 `[count]`.

    Raises:
        Fault: the stream is shorter or longer than that.
        Unmodelled: the header has bits whose meaning is not known.
    """
    if len(stream) < _HEADER_BYTES:
        raise Fault(f"the stream has {len(stream)} bytes, less than its header alone")
    header = int.from_bytes(stream[:_HEADER_BYTES], "little")
    raw, small = bool(header & 1), bool(header & 2)
    zero = _field(header, _ZERO_BIT, _ZERO_BITS)
    if _field(header, *_RESERVED) or (raw and small) or (zero and not raw):
        raise Unmodelled("the stream's header has bits whose meaning is not known")
    code_bits = 8 if raw else 2 if small else 4
    length = -(-count * code_bits // _ALIGNMENT_BITS) * _ALIGNMENT_BITS // 8
    if len(stream) != _HEADER_BYTES + length:
        found = (len(stream) - _HEADER_BYTES) * 8 // code_bits
        raise Fault(f"the stream has room for {found} weights, {count} are needed")
    body = np.frombuffer(stream, np.uint8, offset=_HEADER_BYTES)
    if raw:
        return body[:count].view(np.int8).astype(np.int16) - np.int16((zero ^ 0x80) - 0x80)
    places = np.arange(0, 8, code_bits, dtype=np.uint8)
    codes = (body[:, None] >> places & ((1 << code_bits) - 1)).ravel()[:count]
    entries = [_field(header, _TABLE_BIT + at * _ENTRY_BITS, _ENTRY_BITS) for at in range(_ENTRIES)]
    table = np.array([-(entry >> 1) if entry & 1 else entry >> 1 for entry in entries], np.int16)
    return table[codes]


def _field(header: int, low: int, width_bits: int) -> int:
    return header >> low & (1 << width_bits) - 1
