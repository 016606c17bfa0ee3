"""How far the best is from the bound, and what holds the rest."""

from support.samples.sample_results import best, evaluation, figures

from results.records.figures import Bound, OperatorRow
from results.reports.bounds_table import distance_table, rest_of

BOUND = Bound(macs=1280, mac_cycles=10, moved_bytes=64, move_cycles=8, constant_bytes_per_cycle=3.0)
ROWS = (
    OperatorRow(0, "a", "Conv2D", "Conv2D", 9, 5),
    OperatorRow(0, "b", "DepthwiseConv2D", "Conv2D", 21, 5),
    OperatorRow(0, "c", "MatMul", "MatMul", 10, 5),
    OperatorRow(1, "d", "Table", "LUT", 6, 5),
    OperatorRow(1, "e", "Table", "LUT", 4, 5),
    OperatorRow(1, "f", "Add", "Add", 50, 5),
    OperatorRow(1, "g", "Rescale", "Rescale", 0, 5),
)


MULTIPLYING = frozenset({"Conv2D", "MatMul"})


def test_the_rest_is_what_the_multiplications_do_not_need():
    assert rest_of(ROWS, BOUND, MULTIPLYING) == [("Add", 50), ("convolutions and products", 30), ("LUT", 10)]
    assert rest_of(ROWS[3:], BOUND, MULTIPLYING) == [("Add", 50), ("LUT", 10)], "nothing multiplies"
    assert rest_of((), BOUND, MULTIPLYING) == []


def test_table_of_distances():
    tuned = evaluation("x", figures=figures(100, flash_bytes=31), operators=ROWS)
    default = evaluation("default", operators=(OperatorRow(0, "a", "Conv2D", "Conv2D", 240, 90),))
    heading, _, row, *rest = (
        " ".join(line.split()) for line in distance_table([(best(best=tuned, default=default), BOUND)]).splitlines()
    )
    assert not rest
    assert heading == (
        "| model | target | cycles | by Vela | by multiplications | by bytes | by weights | distance "
        "| distance by Vela | what holds the rest |"
    )
    assert row == (
        "| nets/keyword.py:build | ethos-u55-128 | 100 | 35 | 10 | 8 | 11 | 24.0x → 10.0x | 9.0x → 3.5x "
        "| Add 56%, convolutions and products 33%, LUT 11% |"
    )


def test_nothing_is_far_from_no_bound():
    idle = Bound(macs=0, mac_cycles=0, moved_bytes=0, move_cycles=0, constant_bytes_per_cycle=1.0)
    assert "| - |" in " ".join(distance_table([(best(), idle)]).split())
