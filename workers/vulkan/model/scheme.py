"""How the weights and activations of a layer are stored."""

from __future__ import annotations

from enum import StrEnum


class Scheme(StrEnum):
    """The schemes that ExecuTorch's Vulkan backend has fused operators for; the values are what recipes write.

    FP: floating point. W8, W4: weights of 8 or 4 bits, symmetric, one scale for each output channel. W4G...: weights of
    4 bits, symmetric, one scale for each group of so many input channels. A8W4G...: the same, with activations of 8
    bits at run time, one scale and zero point per row. STATIC8: weights of 8 bits for each output channel. Activations
    have 8 bits with one scale from calibration.
    """

    FP = "fp"
    W8 = "w8"
    W4 = "w4"
    W4G32 = "w4-g32"
    W4G64 = "w4-g64"
    W4G128 = "w4-g128"
    A8W4G32 = "8da4w-g32"
    A8W4G64 = "8da4w-g64"
    A8W4G128 = "8da4w-g128"
    STATIC8 = "static-int8"

    @property
    def group(self) -> int | None:
        """Input channels that share a scale; None where the scheme has no groups."""
        _, dash, size = self.value.partition("-g")
        return int(size) if dash else None

    @property
    def quantises_inputs(self) -> bool:
        """Whether activations are quantised at run time."""
        return self.value.startswith("8da4w")


PER_CHANNEL = (Scheme.W8, Scheme.W4)
GROUPED = tuple(scheme for scheme in Scheme if scheme.group is not None)
