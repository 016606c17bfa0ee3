"""The operand of a sum on U55 and U65 that is not scaled.

The other one is scaled with 32 bits.
"""

from __future__ import annotations

#: By element size in bytes: by how much the hardware shifts it left, whatever OPB_SCALE holds. Vela supports no other
#: scales beside a scaled operand (SupportsAdvancedAddSubIFMScaling in ethos_u55_constraints.cpp).
FIXED_SHIFTS = {1: 19, 2: 14}


def means_fixed_shift(scale: int, shift: int) -> bool:
    """Whether OPB_SCALE holds 2**shift.

    Vela writes the lowest 16 bits of it. Or it writes those of 2**30, and shifts right by the rest.

    Args:
        scale: value of OPB_SCALE.
        shift: the amount.

    Returns:
        Whether it is one of these two.
    """
    return scale in ((1 << shift) & 0xFFFF, 0)
