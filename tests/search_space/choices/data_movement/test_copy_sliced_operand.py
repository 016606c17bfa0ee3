"""A copy keeps Vela from reading a sliced operand at the wrong place."""

from __future__ import annotations

import pytest
from support.random.attention import SLICED_PRODUCTS
from support.values.executed import is_right

from benchmarks.correctness.miscompilations.miscompilation import Miscompilation
from benchmarks.correctness.miscompilations.padding.lost_padding import MISCOMPILATION as LOST_PADDING
from benchmarks.correctness.miscompilations.slices.reduced_slice import MISCOMPILATION as REDUCED_SLICE
from search_space.choices.data_movement.copy_sliced_operand import CopySlicedOperand
from search_space.ir.graph import Graph
from search_space.ir.verifier import verify
from velatune.testing import PassContract
from velatune.testing.program import Program
from workers.ethos_u.npu_model import Unmodelled


def product_of_a_slice() -> Graph:
    """As in attention: one tensor holds queries, keys and values."""
    p = Program()
    three = p.input(3, 1, 4, 16, 24)
    first = p.reshape(p.slice(three, (1, 0, 0, 0, 0), (1, 1, 4, 16, 24)), 4, 16, 24)
    return p.graph(p.matmul(first, p.input(4, 24, 16)))


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_the_copy_makes_the_stream_right(accelerator: str) -> None:
    graph = product_of_a_slice()
    assert not is_right(graph, accelerator)  # else Vela was mended, and the pass has no use any more
    copied = verify(CopySlicedOperand().apply(graph))
    assert copied is not graph
    assert is_right(copied, accelerator)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in (LOST_PADDING, REDUCED_SLICE) for name in kind.programs]
)
def test_the_copy_keeps_the_padding_of_a_window_and_the_slice_of_a_reduction(
    kind: Miscompilation, name: str, accelerator: str
) -> None:
    graph = kind.programs[name]
    copied = verify(CopySlicedOperand().apply(graph))
    assert not is_right(graph, accelerator)
    assert is_right(copied, accelerator)
    assert CopySlicedOperand().apply(copied) is copied


def test_a_reduction_that_reads_its_slice_rightly_stays() -> None:
    p = Program()
    half = p.slice(p.input(1, 4, 6, 10), (0, 0, 0, 5), (1, 4, 6, 5))
    along_width = p.graph(p.op("REDUCE_MAX", (half,), (1, 4, 1, 5), axis=2, nan_mode="PROPAGATE"))
    assert all(is_right(along_width, accelerator) for accelerator in ("ethos-u55-128", "ethos-u85-256"))
    assert CopySlicedOperand().apply(along_width) is along_width


@pytest.mark.parametrize(
    ("whole", "sliced", "shape"),
    [
        ((6, 10), 0, None),
        ((1, 6, 10), 2, None),
        ((1, 4, 6, 10), 1, None),
        ((1, 4, 6, 10), 3, (4, 6, 5)),
        ((2, 4, 6, 10), 0, None),
        ((2, 4, 6, 10), 3, None),
        ((4, 6, 10), 2, (1, 4, 6, 5)),
        ((6, 10), 1, (1, 6, 5)),
        ((1, 2, 4, 6, 10), 1, None),
    ],
)
def test_the_copy_lets_an_argmax_see_its_slice(
    whole: tuple[int, ...], sliced: int, shape: tuple[int, ...] | None
) -> None:
    size = tuple(count // 2 if at == sliced else count for at, count in enumerate(whole))
    start = tuple(before - after for before, after in zip(whole, size, strict=True))
    for axis, count in enumerate(shape or size):
        if count == 1:
            continue
        p = Program()
        half = p.slice(p.input(*whole), start, size)
        value = half if shape is None else p.reshape(half, *shape)
        result = tuple(other for at, other in enumerate(shape or size) if at != axis)
        graph = p.graph(p.op("ARGMAX", (value,), result, "INT32", axis=axis, nan_mode="PROPAGATE"))
        copied = verify(CopySlicedOperand().apply(graph))
        assert (copied is graph) == _is_known_to_be_right(graph), axis
        assert is_right(copied, "ethos-u85-256"), axis


def _is_known_to_be_right(graph: Graph) -> bool:
    try:
        return is_right(graph, "ethos-u85-256")
    except Unmodelled:
        return False


def test_an_operand_that_is_no_slice_stays() -> None:
    p = Program()
    graph = p.graph(p.matmul(p.input(2, 10, 24), p.slice(p.input(2, 24, 9), (0, 0, 0), (2, 24, 7))))
    assert CopySlicedOperand().apply(graph) is graph


def test_a_copy_is_made_once() -> None:
    copied = CopySlicedOperand().apply(product_of_a_slice())
    assert CopySlicedOperand().apply(copied) is copied


class TestCopySlicedOperand(PassContract):
    a_pass = CopySlicedOperand()
    operators = SLICED_PRODUCTS
