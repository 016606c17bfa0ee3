"""Results of operations by what they are computed from, so that programs that share operations share their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b

import numpy as np

from workers.cache.lru import LRU
from workers.ethos_u.command_stream import Kind, Operation
from workers.ethos_u.command_stream.state import Values

_DIGEST_BYTES = 20

# Registers that say where something is or when it may start, and those of copies: results do not depend on them.
_PLACE = (
    r"\w+_BASE\d?|\w+_LENGTH|\w+_REGION|\w+_STRIDE_[XYC]|DMA0_\w+|(IFM2?|OFM)_(HEIGHT[01]|WIDTH0)_M1|BLOCKDEP"
    r"|IFM_IB_END|IFM2_IB_START|AB_START"
)
_NO_KERNEL = r"|KERNEL_\w+|IFM_PAD_\w+|WEIGHT_FORMAT"
_NO_SECOND = r"|IFM2_\w+|OPA_SCALE|OPB_SCALE|OP_SCALAR"
_NO_RESIZE = r"|RESIZE_\w+"


class OperationCache:
    """Values that operations gave lately.

    Args:
        most_bytes: of all values that are kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._values: LRU[np.ndarray] = LRU(most_bytes, size=lambda array: array.nbytes)

    def find(
        self, depends: Hashable, inputs: Sequence[np.ndarray], constants: Sequence[bytes],
        compute: Callable[[], np.ndarray],
    ) -> np.ndarray:  # fmt: skip
        """What an operation gives, computed unless it is known.

        Args:
            depends: what decides its results beside its inputs, as `dependencies` gives it.
            inputs: its feature maps, as stored.
            constants: whatever else it reads: weights, scales, look-up tables.
            compute: gives the elements that are written.

        Returns:
            What `compute` gives, or gave before.
        """
        digest = blake2b(digest_size=_DIGEST_BYTES)
        for one in constants:
            digest.update(len(one).to_bytes(8, "little"))
            digest.update(one)
        for array in inputs:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return self._values.find((depends, digest.digest()), compute)


def dependencies(operation: Operation) -> Values:
    """The values of all registers that results of an operation depend on."""
    return operation.registers.pick(_pattern(operation))


def _pattern(operation: Operation) -> re.Pattern[str]:
    pattern = _PLACE
    if operation.kind in (Kind.ELEMENTWISE, Kind.DMA):
        pattern += _NO_KERNEL
    if operation.ifm2 is None:
        pattern += _NO_SECOND
    if operation.kind is not Kind.RESIZE:
        pattern += _NO_RESIZE
    return re.compile(f"NPU_SET_({pattern})")
