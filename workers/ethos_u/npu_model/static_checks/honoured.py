"""Register values that the hardware does not honour, although Vela emits them."""

from __future__ import annotations

from collections.abc import Iterator

from workers.ethos_u.command_stream import Kind, Operation
from workers.ethos_u.npu_model.operations.fixed_shift import FIXED_SHIFTS, means_fixed_shift
from workers.ethos_u.npu_model.weights.scales import U85


def not_honoured(operation: Operation) -> Iterator[str]:
    """Why a computation's registers do not mean what they say, in one line each."""
    if operation.family == "ethos-u85":
        yield from _cut_scales(operation)
        return
    if operation.kind is Kind.POOL and operation.pooling_mode == "MAX" and operation.scale_mode == "GLOBAL":
        # Vela 5.2.0, release notes: "fixed incorrect output for MAX_POOL_2D when output scaling was required".
        scale, shift = (operation.registers.number("OFM_SCALE", field) for field in ("scale", "shift"))
        if (scale, shift) != (1, 0):
            yield f"a max pool on {operation.family} does not scale, but OFM_SCALE is {scale} >> {shift}"
    if operation.elementwise_mode in ("ADD", "SUB") and operation.ifm_scale_mode != "OPA_OPB_16":
        assert operation.ifm is not None
        shift = FIXED_SHIFTS.get(operation.ifm.element_bytes, 0)
        scale = operation.registers.number("OPB_SCALE")
        if not means_fixed_shift(scale, shift):
            yield (
                f"{operation.ifm_scale_mode} shifts the operand that is not scaled left by {shift}, whatever OPB_SCALE "
                f"says, which is {scale}"
            )


def _cut_scales(operation: Operation) -> Iterator[str]:
    """On Ethos-U85, Vela writes the first channel's scale to OFM_SCALE as well, where all of its bits fit."""
    if not operation.scales or operation.accumulator not in U85:
        return
    scale, bits = operation.registers.number("OFM_SCALE", "scale"), U85[operation.accumulator].scale_bits
    if scale >> bits:
        yield (
            f"a channel's scale of {operation.accumulator} sums has {bits} bits, but Vela means {scale}, as OFM_SCALE "
            "says"
        )
