"""What the fixture `stock` gives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lowered:
    """A model as stock ExecuTorch lowers it: the TOSA program of each delegate, and the `.pte`."""

    tosa: tuple[bytes, ...]
    pte: bytes
