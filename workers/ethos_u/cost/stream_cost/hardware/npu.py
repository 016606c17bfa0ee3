"""What Vela's cost model knows of each NPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from workers.ethos_u.command_stream import StreamError
from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.board import CONSTANTS, Memory, memories
from workers.ethos_u.cost.stream_cost.hardware.fitted import FITTED, Fitted
from workers.ethos_u.target import Target

#: A cost per output element of each way in which results leave the NPU, in the order of Vela's tables.
Rates = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Npu:
    """An NPU on its board; equal only to itself, of which there is one for each target.

    Attributes:
        family: `ethos-u55`, `ethos-u65` or `ethos-u85`.
        macs: multiply-accumulates per cycle and core (U65-512 has two cores of 256, U85 counts them all here).
        cores: as Vela counts them.
        microblock: U55, U65: (height, width, depth) of what the MACs work on at a time. U85 has it in a register.
        ifm_depth_granule: U55, U65: depths of 8-bit IFM blocks are multiples of it.
        output_rates, activation_rates: cycles per element, per kind of operation and of activation.
        read_buffers: U85: bursts of 16 bytes that each read channel can have under way. Channels are memory to memory,
            streamed IFM, weights, fast weights, IFM, scales. Empty elsewhere: all traffic shares the bandwidth.
        kernels_queued, copies_queued: operations that may be under way at a time. Vela counts on two kernels
            everywhere. Measured on U65 and U85: commands after an operation, copies of weights among them, wait for its
            end. On U55 they do not. (Totals of kws_micronet_m, at four latencies of DRAM.)
        regions: region of a command stream -> memory.
        ifm_ram_bytes: U85: what it keeps IFM blocks in; 0 elsewhere.
        fitted: what measurements say beside.
    """

    family: str
    macs: int
    cores: int
    microblock: Shape
    ifm_depth_granule: int
    output_rates: Rates
    activation_rates: Rates
    read_buffers: tuple[int, ...]
    kernels_queued: int
    copies_queued: int
    regions: Mapping[int, Memory]
    ifm_ram_bytes: int
    fitted: Fitted

    @property
    def u85(self) -> bool:
        """Whether it is an Ethos-U85."""
        return self.family == "ethos-u85"

    @property
    def command_memory(self) -> Memory:
        """Where commands are fetched from: ExecuTorch keeps them beside the weights."""
        return self.regions[CONSTANTS]

    def memory(self, region: int) -> Memory:
        """The memory that a region is in. Raises StreamError for a region that Vela gives no meaning to."""
        found = self.regions.get(region)
        if found is None:
            raise StreamError(f"region {region} is in no known memory")
        return found


# s_EthosU55PerfInfo and s_EthosU55Configs (ethos_u55.cpp), s_EthosU65PerfInfo and s_EthosU65Configs (ethos_u65.cpp):
# MACs per core, cores, microblock, output rates, activation rates.
_U55_U65: dict[str, tuple[int, int, Shape, Rates, Rates]] = {
    "ethos-u55-32": (32, 1, (1, 1, 4), (2.0, 3.0, 3.0, 3.0, 4.0, 6.0, 1.0, 2.0), (1.0, 1.0, 0.0)),
    "ethos-u55-64": (64, 1, (1, 1, 8), (1.0, 1.5, 1.5, 1.5, 2.0, 3.0, 0.5, 1.0), (1.0, 1.0, 0.0)),
    "ethos-u55-128": (128, 1, (1, 2, 8), (0.75, 1.25, 0.75, 0.75, 1.0, 1.5, 0.25, 0.5), (1.0, 0.5, 0.0)),
    "ethos-u55-256": (256, 1, (2, 2, 8), (0.625, 1.125, 0.5, 0.375, 0.5, 0.75, 0.125, 0.25), (1.0, 0.25, 0.0)),
    "ethos-u65-256": (256, 1, (2, 2, 8), (0.625, 1.125, 0.5, 0.375, 0.5, 0.75, 0.125, 0.25), (1.0, 0.25, 0.0)),
    "ethos-u65-512": (
        256, 2, (2, 2, 8), (0.3125, 0.5625, 0.25, 0.1875, 0.25, 0.375, 0.0625, 0.125), (0.5, 0.125, 0.0),
    ),
}  # fmt: skip

# s_EthosU85PerfInfo and s_EthosU85Configs (ethos_u85.cpp): cores, output rates, activation rates, read buffers.
_U85: dict[int, tuple[int, Rates, Rates, tuple[int, ...]]] = {
    128: (1, (0.5, 0.5, 0.5, 1.0, 1.0, 1.0), (0.5, 1.0), (64, 64, 128, 128, 104, 16)),
    256: (1, (0.25, 0.25, 0.25, 0.5, 0.5, 0.5), (0.25, 0.5), (104, 104, 128, 128, 128, 16)),
    512: (2, (0.125, 0.125, 0.25, 0.5, 0.25, 0.25), (0.125, 0.25), (128, 128, 256, 256, 128, 16)),
    1024: (4, (0.0625, 0.125, 0.25, 0.5, 0.125, 0.25), (0.0625, 0.125), (256, 256, 416, 208, 256, 16)),
    2048: (4, (0.03125, 0.0625, 0.125, 0.25, 0.0625, 0.125), (0.03125, 0.0625), (256, 256, 512, 256, 256, 16)),
}

# s_EthosU85Configs: ifmRamSizeBytes.
_U85_IFM_RAM = {128: 8192, 256: 16384, 512: 16384, 1024: 16384, 2048: 32768}


def npu_of(target: Target, fitted: Fitted = FITTED) -> Npu:
    """The NPU and board that a target names.

    Args:
        target: the accelerator and its memories.
        fitted: parameters of the model; others than its own only to fit them.

    Returns:
        The NPU with its memories.
    """
    return _npu(target, fitted)


@lru_cache
def _npu(target: Target, fitted: Fitted) -> Npu:
    family, _, number = target.accelerator.rpartition("-")
    if family == "ethos-u85":
        macs = int(number)
        cores, output, activation, buffers = _U85[macs]
        microblock: Shape = (0, 0, 0)
        ifm_ram = _U85_IFM_RAM[macs]
        # ArchEthosU85::MaxOutstandingDMAOps; of kernels, Vela has 2 (see `kernels_queued`).
        queued = (1, 4)
    else:
        macs, cores, microblock, output, activation = _U55_U65[target.accelerator]
        buffers = ()
        ifm_ram = 0
        queued = (1, 2) if family == "ethos-u65" else (2, 1)  # ArchEthosU65, ArchEthosU55: the same
    return Npu(
        family=family,
        macs=macs,
        cores=cores,
        microblock=microblock,
        ifm_depth_granule=8,
        output_rates=output,
        activation_rates=activation,
        read_buffers=buffers,
        kernels_queued=queued[0],
        copies_queued=queued[1],
        regions=memories(target),
        ifm_ram_bytes=ifm_ram,
        fitted=fitted,
    )
