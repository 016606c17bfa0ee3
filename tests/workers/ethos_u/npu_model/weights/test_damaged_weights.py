"""Streams and registers that do not fit together raise `Fault` or `Unmodelled`, and no bytes do any worse."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from ethosu import mlw_codec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streams.emitted import Emitted, emitted
from support.streams.layers import random_layer, two_of_four

from velatune.testing.program import Program
from workers.ethos_u.command_stream import RegisterState, StreamError
from workers.ethos_u.npu_model.errors import Fault, Unmodelled
from workers.ethos_u.target import Target

LAYERS = {
    "ethos-u55-32": random_layer((4, 4, 12), 20, (3, 3), values=range(1, 100)),
    "ethos-u55-128": random_layer((4, 4, 5), 20, (3, 3), values=(0, 0, 0, 0, 0, 0, 5, -7)),
    "ethos-u65-512": random_layer((4, 4, 20), 20, (3, 3), depthwise=True, values=range(1, 100)),
    "ethos-u85-128": random_layer((4, 4, 100), 50, values=(3, 8)),
    "ethos-u85-256": two_of_four(random_layer((4, 4, 256), 48, (3, 3))),
    "ethos-u85-512": random_layer((4, 4, 64), 40, (3, 3)),
    "ethos-u85-1024": random_layer((4, 4, 20), 20, (3, 3), depthwise=True, values=range(1, 100)),
    "ethos-u85-2048": two_of_four(random_layer((4, 4, 256), 48)),
}

#: Of those that say in which order weights are.
REGISTERS = (
    "ACC_FORMAT", "IFM_DEPTH_M1", "IFM_PRECISION", "KERNEL_HEIGHT_M1", "KERNEL_STRIDE", "KERNEL_WIDTH_M1",
    "OFM_BLK_DEPTH_M1", "OFM_DEPTH_M1",
)  # fmt: skip


@cache
def operation(accelerator: str) -> Emitted:
    program = Program()
    (one,), _ = emitted(program.tosa(LAYERS[accelerator].add_to(program)), Target.parse(accelerator))
    return one


def with_streams(one: Emitted, *streams: bytes) -> Emitted:
    return replace(one, weight_streams=list(streams))


def with_registers(one: Emitted, **values: int) -> Emitted:
    """The operation with other values of NPU_SET_ registers."""
    state = one.operation.registers
    changed = list(state._values)
    for name, value in values.items():
        changed[state._layout.position[f"NPU_SET_{name}"]] = value
    registers = RegisterState(state._layout, tuple(changed))
    return replace(one, operation=replace(one.operation, registers=registers))


@pytest.mark.parametrize("accelerator", LAYERS)
@settings(max_examples=60)
@given(st.data())
def test_other_bytes(accelerator: str, data: st.DataObject) -> None:
    one = operation(accelerator)
    which = data.draw(st.integers(0, len(one.weight_streams) - 1))
    stream = bytearray(one.weight_streams[which])
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    streams = [*one.weight_streams]
    streams[which] = bytes(stream)
    try:
        weights = with_streams(one, *streams).weights
    except (Fault, Unmodelled) as error:
        assert f"weights of the operation at offset {one.operation.offset:#x}: " in str(error)
        assert "\n" not in str(error)
    else:
        assert weights.shape == LAYERS[accelerator].weights.shape
        assert weights.dtype == np.int16


@pytest.mark.parametrize("accelerator", LAYERS)
@given(st.binary(max_size=300))
@settings(max_examples=30)
def test_any_bytes(accelerator: str, stream: bytes) -> None:
    one = operation(accelerator)
    with pytest.raises((Fault, Unmodelled)):
        _ = with_streams(one, *[stream] * len(one.weight_streams)).weights


@pytest.mark.parametrize("accelerator", LAYERS)
def test_streams_that_are_missing_or_of_another_length(accelerator: str) -> None:
    one = operation(accelerator)
    first, *rest = one.weight_streams
    for streams in ((), rest, (first, *rest, first), (first[:-16].rstrip(b"\xff")[:-1], *rest), (first[:32], *rest)):
        with pytest.raises(Fault):
            _ = with_streams(one, *streams).weights
    with pytest.raises(Fault):
        _ = replace(one, scale_streams=[one.scale_streams[0][:-16], *one.scale_streams[1:]]).scales
    with pytest.raises(Fault):
        _ = replace(one, scale_streams=[]).scales


def decoded(one: Emitted) -> np.ndarray:
    """All that is in the first stream."""
    return np.array(mlw_codec.decode(bytearray(one.weight_streams[0])), np.int16)


def encoded(contents: np.ndarray) -> bytes:
    return bytes(mlw_codec.encode(contents.tolist()))


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u65-512", "ethos-u85-1024"])
def test_weight_outside_the_tensor(accelerator: str) -> None:
    one = operation(accelerator)
    contents = decoded(one)
    # These layers have no zeros: what is zero is padding.
    for place in np.flatnonzero(contents == 0)[[0, -1]]:
        changed = contents.copy()
        changed[place] = 1
        with pytest.raises(Fault, match="outside the tensor"):
            _ = with_streams(one, encoded(changed), *one.weight_streams[1:]).weights
    assert (with_streams(one, encoded(contents), *one.weight_streams[1:]).weights == one.weights).all()


def test_three_of_four() -> None:
    (one,) = (one for one in map(operation, LAYERS) if one.operation.weight_format == "SWD/SPARSE_2_4")
    contents = decoded(one)
    group = contents[:4]
    assert np.count_nonzero(group) == 2
    group[group == 0] = 1, 0
    with pytest.raises(Fault, match="2 of 4"):
        _ = with_streams(one, encoded(contents), *one.weight_streams[1:]).weights


@pytest.mark.parametrize(
    ("accelerator", "values", "error"),
    [
        ("ethos-u55-32", {"KERNEL_HEIGHT_M1": 65535, "KERNEL_WIDTH_M1": 65535, "IFM_DEPTH_M1": 65535}, Fault),
        ("ethos-u85-512", {"KERNEL_HEIGHT_M1": 65535, "KERNEL_WIDTH_M1": 65535, "IFM_DEPTH_M1": 65535}, Fault),
        ("ethos-u55-32", {"OFM_DEPTH_M1": 65535}, Fault),
        ("ethos-u85-1024", {"OFM_DEPTH_M1": 65535}, Fault),
        ("ethos-u55-128", {"OFM_BLK_DEPTH_M1": 0}, Unmodelled),
        ("ethos-u85-128", {"OFM_BLK_DEPTH_M1": 0}, Unmodelled),
        ("ethos-u65-512", {"PARALLEL_MODE": 0}, Unmodelled),
        ("ethos-u85-512", {"WEIGHT_FORMAT": 0}, Fault),
        ("ethos-u85-1024", {"WEIGHT_FORMAT": 1}, Unmodelled),
        ("ethos-u85-256", {"ACC_FORMAT": 5 << 8}, Unmodelled),
        ("ethos-u85-256", {"KERNEL_STRIDE": 1 << 5}, Unmodelled),
        ("ethos-u55-128", {"KERNEL_STRIDE": 1 << 5}, Unmodelled),
        ("ethos-u55-128", {"IFM_PRECISION": 2 << 2}, Unmodelled),
    ],
)
def test_other_registers(accelerator: str, values: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = with_registers(operation(accelerator), **values).weights


@pytest.mark.parametrize("accelerator", LAYERS)
@given(
    st.dictionaries(
        st.sampled_from(REGISTERS),
        st.one_of(st.integers(0, 80), st.integers(0, 0xFFFF)),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=60)
def test_any_registers(accelerator: str, values: dict[str, int]) -> None:
    one = with_registers(operation(accelerator), **values)
    with suppress(Fault, Unmodelled, StreamError):
        _ = one.weights
    with suppress(Fault, Unmodelled, StreamError):
        _ = one.scales


def test_scales_with_unknown_bits() -> None:
    for accelerator, byte in (("ethos-u55-32", 9), ("ethos-u85-128", 7), ("ethos-u85-128", 9)):
        one = operation(accelerator)
        stream = bytearray(one.scale_streams[0])
        stream[byte] |= 0x80
        with pytest.raises(Unmodelled):
            _ = replace(one, scale_streams=[bytes(stream)]).scales
