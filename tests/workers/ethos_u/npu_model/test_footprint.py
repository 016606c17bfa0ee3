"""The bytes of an operation are those that come of it when every element's address is worked out by itself."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs.npu_programs import everything

from velatune.testing.program import Program
from workers.ethos_u.command_stream import Decoded, FeatureMap, Operation, decode
from workers.ethos_u.npu_model.accesses import spans
from workers.ethos_u.npu_model.accesses.footprint import Footprint, Footprints
from workers.ethos_u.npu_model.accesses.placement import rows_of_map
from workers.ethos_u.npu_model.accesses.steps import steps
from workers.ethos_u.npu_model.memory.feature_maps import Box
from workers.ethos_u.target import Target
from workers.ethos_u.vela.compiler import compile_tosa

ACCELERATORS = ["ethos-u55-32", "ethos-u55-128", "ethos-u65-512", "ethos-u85-256"]

some_spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=8).map(
    lambda pairs: spans.merged(np.array([(first, first + length) for first, length in pairs], np.int64).reshape(-1, 2))
)


def bytes_in(some: np.ndarray) -> set[int]:
    return {byte for first, end in some.tolist() for byte in range(first, end)}


def assert_well_formed(some: np.ndarray) -> None:
    assert some.shape == (len(some), 2)
    assert (some[:, 0] < some[:, 1]).all()
    assert (some[1:, 0] > some[:-1, 1]).all()


@given(some_spans, some_spans)
def test_spans_are_sets_of_bytes(first: np.ndarray, second: np.ndarray) -> None:
    both, either = spans.common(first, second), spans.union([first, second])
    for some in (first, both, either):
        assert_well_formed(some)
    assert bytes_in(both) == bytes_in(first) & bytes_in(second)
    assert bytes_in(either) == bytes_in(first) | bytes_in(second)
    assert spans.size(either) == len(bytes_in(either))


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 4), st.integers(-40, 40)), max_size=3),
    st.integers(1, 9),
)
def test_rows_at_regular_distances(bases: list[int], dimensions: list[tuple[int, int]], length: int) -> None:
    found = spans.rows(np.array(bases), dimensions, length)
    steps_apart = [[stride * at for at in range(count)] for count, stride in dimensions]
    starts = [base + sum(parts) for base in bases for parts in product(*steps_apart)]
    assert_well_formed(found)
    assert bytes_in(found) == {start + byte for start in starts for byte in range(length)}


def element_by_element(
    operation: Operation, what: str, feature_map: FeatureMap, box: Box | None = None
) -> set[int]:  # fmt: skip
    """The bytes of all elements of a feature map in memory, or of a part of it."""
    y, x, c = np.indices(feature_map.shape)
    if box is not None:
        y, x, c = (part[tuple(slice(*extent) for extent in box)] for part in (y, x, c))
    at = dict(zip("HWC", (y.ravel(), x.ravel(), c.ravel()), strict=True))
    if feature_map.reverse != "NONE":
        at[feature_map.reverse] = feature_map.shape["HWC".index(feature_map.reverse)] - 1 - at[feature_map.reverse]
    y, x, c = (at[dimension] for dimension in feature_map.transpose)
    number = operation.registers.number
    right = x > number(f"{what}_WIDTH0_M1")
    tall = np.where(right, number(f"{what}_HEIGHT1_M1"), number(f"{what}_HEIGHT0_M1"))
    below = y > tall
    base = np.array(feature_map.addresses)[2 * below + right]
    y = np.where(below, y - tall - 1, y)
    x = np.where(right, x - number(f"{what}_WIDTH0_M1") - 1, x)
    stride_y, stride_x, stride_c = feature_map.strides
    size = feature_map.element_bytes
    if feature_map.format == "NHWC":
        address = base + y * stride_y + x * stride_x + c * (stride_c if operation.family == "ethos-u85" else size)
    else:
        across = stride_x if operation.family == "ethos-u85" else 16 * size
        address = base + y * stride_y + x * across + c // 16 * stride_c + c % 16 * size
    return {byte for first in address.tolist() for byte in range(first, first + size)}


def assert_footprint(operation: Operation, footprint: Footprint) -> None:
    found = {access.what: access for access in (*footprint.reads, *footprint.writes)}
    for what, feature_map in (("IFM", operation.ifm), ("IFM2", operation.ifm2), ("OFM", operation.ofm)):
        if feature_map is None or not feature_map.in_memory or (what == "IFM" and operation.pooling_mode == "NONE"):
            assert what not in found
        else:
            assert found[what].region == feature_map.region
            assert_well_formed(found[what].spans)
            assert bytes_in(found[what].spans) == element_by_element(operation, what, feature_map)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_footprints_of_all_kinds_of_operations(accelerator: str) -> None:
    for tosa in everything(accelerator.rpartition("-")[0]).values():
        decoded = decode(compile_tosa(tosa, Target.parse(accelerator)).command_stream)
        footprints = Footprints(decoded.accelerator)
        for operation in decoded.operations:
            if operation.computes:
                assert_footprint(operation, footprints.of(operation))


@given(data=st.data())
@settings(max_examples=60)
@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_parts_of_feature_maps(accelerator: str, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(computations(accelerator)))
    assert operation.ofm is not None
    extents = [sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size)))) for size in operation.ofm.shape]
    rows, columns, channels = ((first, end) for first, end in extents)
    box = rows, columns, channels
    parts = [part.at(operation.registers, {}) for part in rows_of_map(operation, operation.ofm, "OFM", box)]
    assert bytes_in(spans.union(parts)) == element_by_element(operation, "OFM", operation.ofm, box)


@cache
def computations(accelerator: str) -> list[Operation]:
    """Those of all programs that write to memory."""
    programs = everything(accelerator.rpartition("-")[0]).values()
    streams = [compile_tosa(tosa, Target.parse(accelerator)).command_stream for tosa in programs]
    operations = [operation for stream in streams for operation in decode(stream).operations]
    return [operation for operation in operations if operation.ofm is not None and operation.ofm.in_memory]


def together(decoded: Decoded) -> tuple[int, dict[tuple[str, int | None], set[int]]]:
    """How many steps there are, and the bytes of each operand of all of them."""
    bytes_of: dict[tuple[str, int | None], set[int]] = {}
    count = 0
    for step in steps(decoded):
        count += 1
        for access in (*step.footprint.reads, *step.footprint.writes):
            bytes_of.setdefault((access.what, access.region), set()).update(bytes_in(access.spans))
    return count, bytes_of


@pytest.mark.parametrize("perms", [(0, 1, 3, 2), (0, 3, 2, 1), (0, 2, 1, 3)])
def test_a_run_has_the_bytes_of_its_operations(perms: tuple[int, ...]) -> None:
    p = Program()
    tosa = p.tosa(*(p.transpose(p.input(1, 9, 14, 6), *perms) for _ in range(2)))
    decoded = decode(compile_tosa(tosa, Target.parse("ethos-u55-128")).command_stream)
    expected: dict[tuple[str, int | None], set[int]] = {}
    footprints = Footprints(decoded.accelerator)
    for operation in decoded.operations:
        footprint = footprints.of(operation)
        for access in (*footprint.reads, *footprint.writes):
            expected.setdefault((access.what, access.region), set()).update(bytes_in(access.spans))
    count, found = together(decoded)
    assert found == expected
    assert count <= len(decoded.operations)


def test_operations_of_a_run_that_read_what_others_of_it_wrote_are_taken_apart() -> None:
    p = Program()
    tosa = p.tosa(p.transpose(p.input(4, 4, 1, 6, dtype="INT32"), 1, 3, 0, 2))
    decoded = decode(compile_tosa(tosa, Target.parse("ethos-u55-128")).command_stream)
    found = list(steps(decoded))
    # The first two of the three transposes that Vela makes of it are of the same shape.
    assert len(decoded.runs) < len(found) < len(decoded.operations)
    for step in found:
        for read, written in product(step.footprint.reads, step.footprint.writes):
            assert read.region != written.region or not len(spans.common(read.spans, written.spans))
