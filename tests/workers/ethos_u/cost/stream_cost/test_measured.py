"""Operations that were measured one by one on Arm's simulator, with the blocks that they ran with.

The sources are listed in docs/objective.md. Counters between two operations advance in steps of 1,000 cycles; single
operators were counted to the cycle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from workers.ethos_u.command_stream.features import Shape
from workers.ethos_u.cost.stream_cost.hardware.npu import Npu, npu_of
from workers.ethos_u.cost.stream_cost.operation.price import price_of_work
from workers.ethos_u.cost.stream_cost.work.work import Channel, Tensor, Unit, Weights, Work
from workers.ethos_u.target import Target

SRAM, DRAM = 2, 0
# kws_micronet_m and yolo-fastest_192 on U85-256, a launch each: feature maps in SRAM.
U85_256 = npu_of(Target.parse("ethos-u85-256", "Ethos_U85_SYS_DRAM_Low", "Dedicated_Sram"))
U85_512 = npu_of(Target.parse("ethos-u85-512", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"))


@dataclass(frozen=True)
class Measured:
    """An operation and its cycles: shapes are (height, width, depth), block and microblock those it ran with."""

    name: str
    unit: Unit
    kernel: tuple[int, int]
    ifm: Shape
    ofm: Shape
    block: Shape
    microblock: Shape
    cycles: int
    part_kernel: bool = False
    weight_bytes: int = 0
    stride: int = 1

    def work(self, npu: Npu, region: int, bricks: bool = True) -> Work:
        memory = npu.memory(region)
        ifm, ofm = (Tensor(shape, 8, bricks, memory, 8) for shape in (self.ifm, self.ofm))
        deep = self.block[2] if not self.unit.whole_depth else 16 if self.part_kernel else 64
        high, wide = ((size - 1) * self.stride + taps for size, taps in zip(self.block[:2], self.kernel, strict=True))
        weights = Weights(self.weight_bytes, 10 * self.ofm[2], memory, memory, memory) if self.weight_bytes else None
        return Work(
            self.unit, self.kernel, (ifm,), self.ifm, 8, ofm, True, ofm, self.block, (high, wide, deep), self.block,
            self.microblock, self.part_kernel, False, npu.output_rates[0], weights, (Channel.IFM,),
            rows_read=self.ifm[0], columns_read=self.ifm[1],
        )  # fmt: skip


LAUNCHES = [
    Measured("depthwise", Unit.DEPTHWISE, (3, 3), (96, 96, 8), (96, 96, 8), (16, 16, 16), (1, 2, 16), 41_015,
             weight_bytes=128),
    Measured("depthwise of many channels", Unit.DEPTHWISE, (5, 5), (12, 12, 120), (12, 12, 120), (12, 12, 16),
             (1, 2, 16), 14_515, weight_bytes=3504),
    Measured("eight channels", Unit.CONV, (1, 1), (96, 96, 8), (96, 96, 8), (4, 32, 16), (1, 4, 8), 18_015, True, 176),
    Measured("four channels", Unit.CONV, (1, 1), (96, 96, 8), (96, 96, 4), (4, 32, 16), (1, 4, 8), 9_515, True, 144),
    Measured("more channels", Unit.CONV, (1, 1), (96, 96, 4), (96, 96, 24), (2, 32, 24), (1, 4, 8), 56_015, True, 192),
    Measured("many taps", Unit.CONV, (10, 4), (49, 10, 1), (49, 10, 124), (12, 10, 16), (2, 2, 8), 85_015, True, 8288),
    Measured("a partial block of channels", Unit.CONV, (1, 1), (25, 5, 140), (25, 5, 140), (10, 6, 32), (2, 2, 8),
             14_015, weight_bytes=21_088),
    Measured("average pool", Unit.POOL, (25, 5), (25, 5, 196), (1, 1, 196), (1, 2, 128), (1, 2, 16), 2_015),
]  # fmt: skip


@pytest.mark.parametrize("measured", LAUNCHES, ids=lambda one: one.name.replace(" ", "-"))
def test_launches(measured: Measured) -> None:
    price = price_of_work(U85_256, measured.work(U85_256, SRAM))
    # A launch ends in the same step of the counter, or in the one before or after it.
    assert price.steady_cycles == pytest.approx(measured.cycles, rel=0.05, abs=500)


CHAINS = [
    Measured("a few blocks", Unit.CONV, (1, 1), (24, 24, 96), (24, 24, 16), (5, 24, 16), (1, 4, 8), 6_014, False, 1792),
    Measured("many blocks", Unit.CONV, (1, 1), (48, 48, 32), (48, 48, 8), (8, 16, 16), (1, 4, 8), 11_014, True, 400),
    Measured("less than the MACs", Unit.CONV, (1, 1), (12, 12, 136), (12, 12, 24), (4, 12, 24), (1, 4, 8), 3_014,
             weight_bytes=3744),
]  # fmt: skip


@pytest.mark.parametrize("measured", CHAINS, ids=lambda one: one.name.replace(" ", "-"))
def test_chains(measured: Measured) -> None:
    """Convolution and addition. Each was counted alike in all its two to four launches, so the step is known well."""
    rate = U85_256.output_rates[0]
    chain = replace(measured.work(U85_256, SRAM), chained_cycles_per_element=rate)
    price = price_of_work(U85_256, chain)
    assert price.cycles == pytest.approx(measured.cycles, rel=0.07)
    # Both operations pass the output unit.
    assert price.steady_cycles >= 2 * rate * math.prod(measured.ofm)


def test_pixels_of_16_channels_are_a_transaction_each() -> None:
    """A convolution 3x3 in DRAM on U85-256, of which 24 reads are under way at a time: 196,000 to 197,000 cycles."""
    whole = Measured(
        "8x32", Unit.CONV, (3, 3), (8, 32, 128), (8, 32, 128), (8, 16, 16), (1, 4, 8), 196_500, True, 163_840
    )
    dram = replace(U85_256.memory(DRAM), read_latency=250, write_latency=125)
    npu = replace(U85_256, regions=dict.fromkeys(U85_256.regions, dram))
    work = replace(whole.work(npu, DRAM, bricks=False), columns_read=34)
    # Its IFM is too large to be kept for the next 16 channels, of which there are 8 times 16.
    assert price_of_work(npu, work).cycles > 8 * 8 * 34 * 8 * 250 / 24
    assert price_of_work(npu, work).cycles == pytest.approx(whole.cycles, rel=0.08)


def test_feature_maps_in_dram() -> None:
    """One pixel's 16 channels are a transaction, and latency bounds how many are under way."""
    measured = Measured(
        "1x36", Unit.CONV, (1, 1), (1, 36, 128), (1, 36, 128), (1, 36, 64), (1, 4, 16), 6_124, False, 16_416
    )
    price = price_of_work(U85_512, measured.work(U85_512, DRAM, bricks=False))
    assert price.cycles + U85_512.fitted.start_cycles == pytest.approx(measured.cycles, rel=0.1)
    # 36 pixels of 8 times 16 bytes written, 32 under way at a time, with 250 cycles of latency.
    assert price.cycles > 36 * 8 * 250 / 32
    # Without latency it took 2,932 cycles.
    assert price.cycles > 1.5 * 2_932


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_sparse_weights_save_nothing(accelerator: str) -> None:
    npu = npu_of(Target.parse(accelerator))
    microblock = (2, 2, 8) if npu.u85 else npu.microblock
    work = Measured("", Unit.CONV, (3, 3), (16, 16, 64), (16, 16, 64), (8, 8, 16), microblock, 0, True, 36_864).work(
        npu, 1
    )
    assert work.weights is not None
    sparse = replace(work, weights=replace(work.weights, sparse=True))
    assert price_of_work(npu, sparse) == price_of_work(npu, work)
