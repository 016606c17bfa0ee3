"""What operations read, compute and write, and streams that are damaged."""

from __future__ import annotations

import struct
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.programs.npu_programs import everything

from velatune.testing.program import Program
from workers.ethos_u.command_stream import Kind, Operation, StreamError, decode, plain
from workers.ethos_u.command_stream.commands import HEADER_BYTES
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

ACCELERATORS = ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"]
on_every_target = pytest.mark.parametrize("accelerator", ACCELERATORS)


@cache
def stream(accelerator: str, name: str) -> bytes:
    tosa = everything(accelerator.rpartition("-")[0])[name]
    return compile_tosa(tosa, Target.parse(accelerator), operators=False).command_stream


def operations(accelerator: str, name: str) -> list[Operation]:
    """Those that compute."""
    return [one for one in decode(stream(accelerator, name)).operations if one.computes]


@on_every_target
def test_a_convolution(accelerator: str) -> None:
    strided, pointwise = operations(accelerator, "conv")
    assert (strided.kind, pointwise.kind) == (Kind.CONV, Kind.CONV)
    assert strided.ifm is not None and strided.ofm is not None and pointwise.ifm is not None
    assert strided.ofm.shape == (6, 6, 24) == pointwise.ifm.shape
    # 12 columns, of which a 3-wide kernel with stride 2 and one column of padding sees all
    assert strided.ifm.shape == (12, 12, 16)
    assert strided.ifm2 is None
    assert strided.ofm.addresses == pointwise.ifm.addresses and strided.ofm.strides == pointwise.ifm.strides
    assert strided.ofm.element_bytes == 1 and strided.ofm.signed
    for one in (strided, pointwise):
        assert one.scale_mode == "PER_CHANNEL"
        assert one.weights and one.scales
        # A bias and a scale take ten bytes; U85 has them for every 32 channels.
        assert one.ofm is not None
        channels, length_bytes = one.ofm.shape[2], sum(span.length_bytes for span in one.scales)
        assert 10 * channels <= length_bytes < 10 * (channels + 32)


@on_every_target
def test_parts_of_a_dilated_convolution_have_their_own_width(accelerator: str) -> None:
    parts = operations(accelerator, "dilated more")
    assert [part.ofm.shape for part in parts if part.ofm is not None] == [(12, 3, 16)] * 4
    assert {part.ofm.strides[1] for part in parts if part.ofm is not None} == {4 * 16}
    (whole,) = operations(accelerator, "dilated")
    assert whole.kernel is not None and (whole.kernel.dilation_x, whole.kernel.dilation_y) == (2, 2)
    assert (whole.kernel.width, whole.kernel.dilated_width) == (3, 5)
    assert whole.ifm is not None and whole.ifm.shape == (12, 12, 16)


@on_every_target
def test_activations(accelerator: str) -> None:
    (clamped,) = operations(accelerator, "clamp")
    assert clamped.activation is not None
    assert (clamped.activation.function, clamped.activation.low, clamped.activation.high) == ("clamp", -20, 50)
    (bare,) = operations(accelerator, "depthwise")
    assert bare.activation is not None and bare.activation.function == "none"
    for one in operations(accelerator, "table"):
        assert one.activation is not None and one.activation.function == "lut" and one.activation.table is not None


@on_every_target
def test_a_clamp_to_everything_is_no_activation(accelerator: str) -> None:
    p = Program()
    compiled = compile_tosa(p.tosa(p.clamp(p.conv(p.input(1, 12, 12, 16), 16))), Target.parse(accelerator))
    (one,) = (one for one in decode(compiled.command_stream).operations if one.computes)
    assert one.activation is not None and one.activation.function == "none"


@on_every_target
def test_broadcast_and_scalar_operands(accelerator: str) -> None:
    by_mode = {one.mode: one for one in operations(accelerator, "broadcast")}
    sizes = {
        mode: sorted((one.shape, one.broadcast) for one in (op.ifm, op.ifm2) if one) for mode, op in by_mode.items()
    }
    assert sizes["MUL"] == [((1, 1, 16), "HW"), ((12, 12, 16), "")]
    assert sizes["ADD"] == [((12, 1, 1), "WC"), ((12, 12, 16), "")]
    (scaled,) = operations(accelerator, "scalar")
    (scalar,) = (one for one in (scaled.ifm, scaled.ifm2) if one is not None and one.scalar is not None)
    assert (scalar.scalar, scalar.in_memory, scalar.addresses) == (7, False, ())


def test_a_chain_and_a_matrix_product_on_u85() -> None:
    first, second = operations("ethos-u85-256", "chain")
    assert first.ofm is not None and first.ofm.storage == "CHAINED" and not first.ofm.in_memory
    assert second.ofm is not None and second.ofm.in_memory
    chained = [one for one in (second.ifm, second.ifm2) if one is not None and not one.in_memory]
    assert [(one.storage, one.region, one.addresses) for one in chained] == [("CHAINED", first.ofm.region, ())]
    products = [one for one in operations("ethos-u85-256", "matmul") if one.kind is Kind.CONV]
    assert len(products) == 2
    for one in products:
        assert one.weights_from_ifm2 and one.weights == ()
        assert one.ifm is not None and one.ifm2 is not None and one.ofm is not None
        assert (one.ifm.shape, one.ifm2.shape, one.ofm.shape) == ((1, 10, 24), (1, 7, 24), (1, 10, 7))


def test_a_transpose_is_many_pools_on_u55_and_one_on_u85() -> None:
    shapes = [one.ofm.shape for one in operations("ethos-u55-128", "transpose") if one.ofm is not None]
    assert sum(h * w * c for h, w, c in shapes) >= 12 * 12 * 16
    (one,) = operations("ethos-u85-256", "transpose")
    assert one.ofm is not None and one.ofm.shape == (12, 12, 16) and one.ofm.transpose == "CHW"
    (backwards,) = operations("ethos-u85-256", "reverse")
    assert backwards.ofm is not None and backwards.ofm.reverse == "W"


@pytest.mark.parametrize("most", [1, 5])
def test_the_beginning_of_a_stream(most: int) -> None:
    whole = stream("ethos-u55-128", "transpose")
    assert decode(whole, most).operations == decode(whole).operations[:most]
    assert decode(whole, 10**6).operations == decode(whole).operations


def test_copies() -> None:
    (gather,) = decode(stream("ethos-u85-256", "gather")).operations
    assert gather.dma is not None and (gather.dma.indexed, gather.dma.rows, gather.dma.length_bytes) == (
        "source", 6, 96,
    )  # fmt: skip
    assert (gather.ofm, gather.ifm, gather.block, gather.activation, gather.blockdep) == (None,) * 5
    copies = [one for one in decode(stream("ethos-u55-128", "table")).operations if one.dma is not None]
    tables = [one.dma for one in copies if one.dma is not None and one.dma.destination.region is None]
    assert [(table.length_bytes, table.source.region) for table in tables] == [(256, 0), (256, 0)]


@on_every_target
def test_everything_can_be_written_as_json(accelerator: str) -> None:
    import json

    for name in everything(accelerator.rpartition("-")[0]):
        for operation in decode(stream(accelerator, name)).operations:
            reported = json.loads(json.dumps(plain(operation)))
            assert reported["offset"] == operation.offset and reported["kind"] == operation.kind
            assert ("dma" in reported) != ("ofm" in reported)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (b"", "0 bytes"),
        (b"not a command stream, not even nearly one", "COP1"),
        (stream("ethos-u55-128", "conv")[:-4], "damaged"),
        (stream("ethos-u55-128", "conv") + b"\0\0\0\0", "damaged"),
    ],
)
def test_says_what_is_wrong_with_a_stream(damaged: bytes, said: str) -> None:
    with pytest.raises(StreamError, match=said):
        decode(damaged)


def with_commands(words: list[int]) -> bytes:
    """A U55-128 stream of these words."""
    head = bytearray(stream("ethos-u55-128", "conv")[:HEADER_BYTES])
    struct.pack_into("<BH", head, HEADER_BYTES - 3, len(words) >> 16, len(words) & 0xFFFF)
    return bytes(head) + struct.pack(f"<{len(words)}I", *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "NPU_OP_STOP"),
        ([0x0001_0104], "NPU_OP_STOP"),
        ([0x00FF], "unknown ethos-u55 command 0x00ff at offset 0x0"),
        ([0x0001_0104, 0x4000], "ends in the middle of NPU_SET_IFM_BASE0 at offset 0x4"),
        ([0xFFFF_0000, 0x0001_0104], "NPU_SET_IFM_DEPTH_M1 at offset 0x4 comes after NPU_OP_STOP"),
    ],
)
def test_says_where_commands_are_wrong(words: list[int], said: str) -> None:
    with pytest.raises(StreamError, match=said):
        decode(with_commands(words))


def test_an_operation_without_its_registers_says_so() -> None:
    (bare,) = decode(with_commands([0x0005, 0xFFFF_0000])).operations
    with pytest.raises(StreamError, match="needs NPU_SET_OFM"):
        plain(bare)


@given(data=st.data())
def test_damage_is_always_a_stream_error(data: st.DataObject) -> None:
    names = st.sampled_from([(one, name) for one in ACCELERATORS for name in everything(one.rpartition("-")[0])])
    damaged = bytearray(stream(*data.draw(names)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    kept = data.draw(st.integers(0, len(damaged))) if data.draw(st.booleans()) else len(damaged)
    try:
        for operation in decode(bytes(damaged[:kept])).operations:
            plain(operation)
    except StreamError as error:
        assert "\n" not in str(error)
