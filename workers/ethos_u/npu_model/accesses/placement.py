"""Where the elements of a feature map lie in memory, as rows of bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workers.ethos_u.command_stream import FeatureMap, Operation, RegisterState
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.memory.feature_maps import Box, pieces_of

Moved = Mapping[str, np.ndarray]
"""Address registers that differ between the operations of a run, as `Decoded.addresses` has them."""


@dataclass(frozen=True)
class Rows:
    """Rows of bytes at regular distances from a register's address plus an offset; see
    `workers.ethos_u.npu_model.accesses.spans`."""

    register: str
    offset_bytes: int
    dimensions: tuple[tuple[int, int], ...]
    length_bytes: int

    @cached_property
    def at_zero(self) -> np.ndarray:
        """The bytes, as spans, if the register is 0."""
        return spans.rows(self.offset_bytes, self.dimensions, self.length_bytes)

    def at(self, registers: RegisterState, moved: Moved) -> np.ndarray:
        """Where rows are.

        Args:
            registers: of the operation, or of the first one of a run.
            moved: addresses in all operations of a run, by register; empty for one operation.

        Returns:
            The bytes, as spans (see `workers.ethos_u.npu_model.accesses.spans`).
        """
        bases = moved.get(f"NPU_SET_{self.register}")
        if bases is None:
            return self.at_zero + registers.number(self.register)
        return spans.rows(bases + self.offset_bytes, self.dimensions, self.length_bytes)


def rows_of_map(operation: Operation, feature_map: FeatureMap, name: str, box: Box | None = None) -> Iterator[Rows]:
    """The rows of an operation's feature map in memory.

    Args:
        operation: whose registers say where the map is.
        feature_map: the map.
        name: `IFM`, `IFM2` or `OFM`.
        box: the part of it that is wanted, in the coordinates of `FeatureMap.shape`; all of it by default.

    Yields:
        Rows of at most four tiles.

    Raises:
        Unmodelled: it is stored in a way that is not known.
    """
    size = dict(zip("HWC", feature_map.shape, strict=True))
    extent = {d: (0, count) for d, count in size.items()} if box is None else dict(zip("HWC", box, strict=True))
    if feature_map.reverse != "NONE":
        first, end = extent[feature_map.reverse]
        count = size[feature_map.reverse]
        extent[feature_map.reverse] = count - end, count - first
    # The sizes of an OFM are those before, tiles and strides those after its transpose.
    rows, columns, channels = (extent[d] for d in feature_map.transpose)
    for piece in pieces_of(operation, name, feature_map, (rows, columns, channels)):
        *dimensions, (together, _) = zip(piece.shape, piece.strides, strict=True)
        yield Rows(f"{name}_BASE{piece.tile}", piece.offset, tuple(dimensions), together * feature_map.element_bytes)
