"""What a pool's accumulators are scaled by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.ethos_u.command_stream import Operation
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.npu_model.operations.rounding import scaled, within
from workers.ethos_u.npu_model.weights import ChannelScales


@dataclass(frozen=True)
class Scale:
    """One scale for all channels, or one for each.

    Attributes:
        bias: what is added to an accumulator; 0 or int64 `[C]`.
        scale, shift: what it is multiplied by, `scale / 2**shift`; numbers or int64 `[C]`.
        rounding: as in `Operation.rounding`.
        bits: width of a signed number that must hold the result.
    """

    bias: np.ndarray | int
    scale: np.ndarray | int
    shift: np.ndarray | int
    rounding: str
    bits: int

    @property
    def is_one(self) -> bool:
        """Whether it changes nothing."""
        return not np.any(self.bias) and bool(np.all(self.scale == 1 << np.asarray(self.shift, np.int64)))

    def applied(self, values: np.ndarray) -> np.ndarray:
        """Values `[S, H, W, C]`, scaled, as int64. Raises Fault if a result does not fit."""
        biased = values + self.bias if np.any(self.bias) else values
        return within(scaled(biased, self.scale, self.shift, self.rounding), self.bits, "a scaled value")

    def __str__(self) -> str:
        return "one per channel" if np.ndim(self.scale) else f"{self.scale} / 2^{self.shift}"


def pool_scale(operation: Operation, scales: ChannelScales | None) -> Scale:
    """The scale of a pool.

    Args:
        operation: a pool.
        scales: its scales per channel, if `operation.scale_mode` is PER_CHANNEL.

    Returns:
        The scale, with its rounding.

    Raises:
        Fault: it has a scale per channel and no scales.
        Unmodelled: double rounding.
    """
    rounding, ofm, get = operation.rounding, operation.ofm, operation.registers
    assert rounding is not None and ofm is not None
    bits = 64 if ofm.element_bytes > 4 else 32
    if operation.scale_mode == "PER_CHANNEL":
        if scales is None:
            raise Fault(f"a pool with one scale per channel and no scales at offset {operation.offset:#x}")
        return Scale(scales.bias, scales.scale, scales.shift, rounding, bits)
    if operation.family == "ethos-u85" and get.number("OFM_SCALE", "dbl_rnd"):
        raise Unmodelled("OFM_SCALE.dbl_rnd is not modelled")
    return Scale(0, get.number("OFM_SCALE", "scale"), get.number("OFM_SCALE", "shift"), rounding, bits)
