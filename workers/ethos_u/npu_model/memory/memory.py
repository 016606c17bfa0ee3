"""The memories that the NPU sees: regions behind base pointers, look-up tables and chaining buffers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workers.ethos_u.npu_model.accelerator import TABLE_BYTES, Accelerator
from workers.ethos_u.npu_model.errors import Fault

#: Vela's numbers of the regions.
CONSTANTS, ARENA, FAST = 0, 1, 2


class Memory:
    """Memories of several executions of one program, each on its own set of inputs.

    Attributes:
        accelerator: the NPU.
        chained: number of a chaining buffer (U85) -> what the last operation left in it, as `[S, H, W, C]`.
    """

    def __init__(self, accelerator: Accelerator, regions: Mapping[int, np.ndarray]) -> None:
        """Take over the regions; no table is loaded.

        Args:
            accelerator: the NPU.
            regions: region -> its bytes, `[S, bytes]` uint8.
        """
        self.accelerator, self._regions = accelerator, dict(regions)
        self._tables = np.zeros((len(regions[ARENA]), TABLE_BYTES), np.uint8)
        self._loaded = np.zeros(TABLE_BYTES, bool)
        self.chained: dict[int, np.ndarray] = {}

    def region(self, number: int) -> np.ndarray:
        """The bytes of a region, `[S, bytes]` uint8.

        Raises:
            Fault: there is no such region.
        """
        found = self._regions.get(number)
        if found is None:
            raise Fault(f"region {number} is not one that the runtime provides")
        return found

    def read_bytes(self, region: int | None, address: int, length: int) -> np.ndarray:
        """Consecutive bytes.

        Args:
            region: number of the region; None for table memory.
            address: of the first one in the region.
            length: how many.

        Returns:
            `[S, length]` uint8.

        Raises:
            Fault: they are not inside the region.
        """
        if region is None:
            start = self._in_tables(address, length)
            return self._tables[:, start : start + length]
        memory = self.region(region)
        check_inside(region, memory.shape[1], address, address + length)
        return memory[:, address : address + length]

    def write_bytes(self, region: int | None, address: int, data: np.ndarray) -> None:
        """Write consecutive bytes.

        Args:
            region: number of the region; None for table memory.
            address: of the first one in the region.
            data: `[S, length]` uint8.

        Raises:
            Fault: they are not inside the region, or the region is the constants.
        """
        length = data.shape[1]
        if region is None:
            start = self._in_tables(address, length)
            self._tables[:, start : start + length] = data
            self._loaded[start : start + length] = True
            return
        self.writable(region)
        memory = self.region(region)
        check_inside(region, memory.shape[1], address, address + length)
        memory[:, address : address + length] = data

    def writable(self, region: int) -> None:
        """Raise Fault for the constants: the runtime keeps them in read-only memory."""
        if region == CONSTANTS:
            raise Fault("a write to the constants (region 0), which are read-only")

    def table(self, first: int, end: int) -> np.ndarray:
        """A look-up table.

        Args:
            first: address of its first byte, as copies give it.
            end: address after its last byte.

        Returns:
            `[S, end - first]` uint8.

        Raises:
            Fault: it was never loaded as a whole, or was overwritten since.
        """
        start = self._in_tables(first, end - first)
        stop = start + end - first
        if not self._loaded[start:stop].all():
            raise Fault(f"the look-up table at {first} was not loaded or was overwritten")
        return self._tables[:, start:stop]

    @property
    def tables(self) -> np.ndarray:
        """All table memory, `[bytes]` uint8: every set of inputs loads the same tables."""
        return np.where(self._loaded, self._tables[0], 0)

    def lose_tables(self) -> None:
        """Forget the tables: accumulators took their place."""
        self._loaded[:] = False

    def _in_tables(self, address: int, length: int) -> int:
        start = address - self.accelerator.tables_at
        if start < 0 or start + length > TABLE_BYTES:
            raise Fault(f"bytes {address} to {address + length} inside the NPU are not table memory")
        return start


def check_inside(region: int, size: int, low: int, high: int) -> None:
    """See that bytes are inside a region.

    Args:
        region: number of the region, for the message.
        size: of the region in bytes.
        low: the first byte.
        high: the end of the bytes, exclusive.

    Raises:
        Fault: they are not.
    """
    if low < 0 or high > size:
        raise Fault(f"bytes {low} to {high} of region {region}, which has {size} bytes")
