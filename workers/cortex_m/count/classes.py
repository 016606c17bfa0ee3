"""The class of a Thumb instruction, by its encoding (Armv8-M Architecture Reference Manual, chapter C2)."""

from __future__ import annotations

from enum import Enum


class InstructionClass(Enum):
    """Classes by which instructions are counted. What loads the program counter, such as POP, counts as a load."""

    VECTOR = "vector"  # MVE and the floating-point unit, their loads and stores among them
    LOAD = "load"
    STORE = "store"
    BRANCH = "branch"
    LOOP = "loop"  # of Armv8.1-M: DLS, WLS, LE and their tail-predicated forms
    MULTIPLY = "multiply"
    OTHER = "other"


#: (mask, value, class) of instructions of 16 bits; the first that fits holds.
_NARROW = (
    (0xF800, 0x4800, InstructionClass.LOAD),  # LDR literal
    (0xFE00, 0x5600, InstructionClass.LOAD),  # LDRSB
    (0xF800, 0x5800, InstructionClass.LOAD),
    (0xF800, 0x5C00, InstructionClass.LOAD),
    (0xF800, 0x5000, InstructionClass.STORE),
    (0xFE00, 0x5400, InstructionClass.STORE),  # STRB
    *((0xF800, base + 0x800, InstructionClass.LOAD) for base in (0x6000, 0x7000, 0x8000, 0x9000)),
    *((0xF800, base, InstructionClass.STORE) for base in (0x6000, 0x7000, 0x8000, 0x9000)),
    (0xFE00, 0xBC00, InstructionClass.LOAD),  # POP
    (0xFE00, 0xB400, InstructionClass.STORE),  # PUSH
    (0xF800, 0xC800, InstructionClass.LOAD),  # LDM
    (0xF800, 0xC000, InstructionClass.STORE),  # STM
    (0xFE00, 0xDE00, InstructionClass.OTHER),  # UDF, SVC
    (0xF000, 0xD000, InstructionClass.BRANCH),
    (0xF800, 0xE000, InstructionClass.BRANCH),
    (0xFF00, 0x4700, InstructionClass.BRANCH),  # BX, BLX
    (0xF500, 0xB100, InstructionClass.BRANCH),  # CBZ, CBNZ
    (0xFFC0, 0x4340, InstructionClass.MULTIPLY),
)
#: The same of instructions of 32 bits.
_WIDE = (
    (0xF800_D001, 0xF000_C001, InstructionClass.LOOP),
    (0xFB80_D000, 0xF380_8000, InstructionClass.OTHER),  # hints, barriers, moves to special registers
    (0xF800_D000, 0xF000_8000, InstructionClass.BRANCH),  # conditional
    (0xF800_D000, 0xF000_9000, InstructionClass.BRANCH),
    (0xF800_D000, 0xF000_D000, InstructionClass.BRANCH),  # BL
    (0xFFF0_FFE0, 0xE8D0_F000, InstructionClass.BRANCH),  # TBB, TBH
    (0xEC00_0000, 0xEC00_0000, InstructionClass.VECTOR),
    *((0xFE10_0000, base | 0x0010_0000, InstructionClass.LOAD) for base in (0xE800_0000, 0xF800_0000)),
    *((0xFE10_0000, base, InstructionClass.STORE) for base in (0xE800_0000, 0xF800_0000)),
    (0xFFD0_00F0, 0xFB90_00F0, InstructionClass.OTHER),  # SDIV, UDIV
    (0xFF00_0000, 0xFB00_0000, InstructionClass.MULTIPLY),
)


def class_of(first: int, second: int) -> InstructionClass:
    """The class of an instruction.

    Args:
        first: its first halfword.
        second: the halfword behind, which belongs to it if it is 32 bits long.

    Returns:
        The class; `OTHER` for what no table has.
    """
    wide = first >> 11 in (0b11101, 0b11110, 0b11111)
    value, table = (first << 16 | second, _WIDE) if wide else (first, _NARROW)
    fitting = (kind for mask, wanted, kind in table if value & mask == wanted)
    return next(fitting, InstructionClass.OTHER)
