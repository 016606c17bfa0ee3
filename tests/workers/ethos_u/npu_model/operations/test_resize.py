"""RESIZE of U85 gives the reference model's results."""

from __future__ import annotations

import pytest
from support.streams.elementwise_inputs import wide_inputs
from support.values.executed import compiled, inputs_for, verdict

from search_space.ir.graph import Graph
from velatune.testing.program import Program
from workers.checking.verdict import Verdict
from workers.ethos_u.command_stream import Kind, decode

#: Of one axis: scale_n, scale_d, offset, border.
Scaling = tuple[int, int, int, int]

SCALINGS: list[tuple[Scaling, Scaling]] = [
    ((4, 2, 0, 2), (4, 2, 0, 2)),
    ((4, 2, -1, 1), (4, 2, -1, 1)),
    ((2, 3, 1, 0), (3, 2, -2, 2)),
    ((16, 1, -15, 15), (1, 1, 0, 0)),
    ((5, 7, 3, -2), (10, 3, -9, 9)),
]


def resized(mode: str, dtype: str, y: Scaling, x: Scaling, by: int | None = None) -> Graph:
    """by: shift of a RESCALE behind it."""
    p = Program()
    sizes, results = (6, 9), []
    for size, (up, down, offset, border) in zip(sizes, (y, x), strict=True):
        way = (size - 1) * up - offset + border
        border -= way % down
        results.append((border + (size - 1) * up - offset) // down + 1)
    borders = [
        (result - 1) * down - (size - 1) * up + offset
        for result, size, (up, down, offset, _) in zip(results, sizes, (y, x), strict=True)
    ]
    wide = {"INT8": "INT32", "INT16": "INT48"}[dtype]
    value = p.op(
        "RESIZE", (p.input(1, *sizes, 5, dtype=dtype),), (1, *results, 5), wide if mode == "BILINEAR" else dtype,
        scale=(*y[:2], *x[:2]), offset=(y[2], x[2]), border=tuple(borders), mode=mode,
    )  # fmt: skip
    return p.graph(value if by is None else p.rescale_by(value, dtype, 1 << 30, by))


def check(graph: Graph) -> None:
    program = compiled(graph, "ethos-u85-256")
    assert any(one.kind is Kind.RESIZE for one in decode(program.command_stream).operations)
    assert verdict(graph, program, inputs_for(graph) + wide_inputs(graph, 1)) == Verdict(True)


@pytest.mark.parametrize(("y", "x"), SCALINGS)
def test_nearest(y: Scaling, x: Scaling) -> None:
    for dtype in ("INT8", "INT16"):
        check(resized("NEAREST", dtype, y, x))


@pytest.mark.parametrize(("y", "x"), SCALINGS)
def test_bilinear(y: Scaling, x: Scaling) -> None:
    check(resized("BILINEAR", "INT8", y, x))


@pytest.mark.parametrize("by", [34, 40])
def test_a_rescale_by_a_power_of_two_is_part_of_it(by: int) -> None:
    graph = resized("BILINEAR", "INT8", *SCALINGS[0], by=by)
    operations = decode(compiled(graph, "ethos-u85-256").command_stream).operations
    assert [one.kind for one in operations] == [Kind.RESIZE]
    check(graph)
