"""Facts of each NPU that the model needs and that no register holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from workers.ethos_u.npu_model.errors import Unmodelled

#: The NPU reads look-up tables from this many bytes: the end of SHRAM on U55 and U65, a memory of its own on U85.
TABLE_BYTES = 2048

# SHRAM banks of 1 KiB, by MACs: s_EthosU55Configs and s_EthosU65Configs in Vela's ethos_u55.cpp and ethos_u65.cpp.
_SHRAM_BANKS = {32: 16, 64: 16, 128: 24, 256: 48, 512: 48}
_BANK_BYTES = 1024


@dataclass(frozen=True)
class Accelerator:
    """An NPU.

    Attributes:
        name: as in `ethos-u55-128`.
        family: `ethos-u55`, `ethos-u65` or `ethos-u85`.
        tables_at: address of the table memory, as copies give it.
        tables_are_safe: whether operations without a table leave the tables alone. U55-32 and U55-64 have no SHRAM
            banks reserved for tables, so that accumulators overwrite them.
    """

    name: str
    family: str
    tables_at: int
    tables_are_safe: bool


@cache
def accelerator_of(name: str) -> Accelerator:
    """The NPU with a name as in `workers.ethos_u.command_stream.Decoded.accelerator`.

    Raises:
        Unmodelled: there is none of that name.
    """
    family, _, number = name.rpartition("-")
    if family == "ethos-u85" and number in ("128", "256", "512", "1024", "2048"):
        return Accelerator(name, family, 0, True)
    macs = {"ethos-u55": ("32", "64", "128", "256"), "ethos-u65": ("256", "512")}.get(family, ())
    if number not in macs:
        raise Unmodelled(f"{name}: no such Ethos-U is known")
    banks = _SHRAM_BANKS[int(number)]
    return Accelerator(name, family, banks * _BANK_BYTES - TABLE_BYTES, banks > 16)
