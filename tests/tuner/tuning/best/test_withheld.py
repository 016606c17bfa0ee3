"""What a search saw and does not offer is reported with the limit that forbids it."""

from dataclasses import replace

from support.samples.sample_results import best, evaluation, figures

from results.records.figures import Quality
from tuner.tuning.best.withheld import Withheld, best_by_quality, cheapest_withheld, least_sram
from tuner.tuning.objective import Objective


def test_the_cheapest_candidate_beyond_a_limit_is_reported() -> None:
    found = best(default=evaluation("default", 1000), best=evaluation("a", 800))
    unmeasured = figures(600, conservative_cycles=1001)
    large = figures(700, sram_bytes=10**6)
    others = [
        evaluation("b", figures=unmeasured),
        evaluation("c", figures=large),
        evaluation("d", figures=figures(100), verified=False),
        replace(evaluation("e"), figures=None, status="refused", verified=False),
        found.best,
    ]
    withheld = cheapest_withheld(found, others, Objective())
    assert str(withheld) == (
        "a candidate with 600 cycles, 25.0 % fewer than the best, is not offered: the cycles, by Vela where no "
        "evidence covers them, 1,001 are more than 1,000"
    )
    assert cheapest_withheld(found, others[2:], Objective()) is None
    assert least_sram(others) == min(unmeasured.sram_bytes, large.sram_bytes)


def test_where_costs_have_no_ratio_the_facts_are_reported() -> None:
    moved = figures(10**12, metrics={"host_operators": 0, "delegates": 1, "moved_bytes": 7520, "operations": 1})
    assert str(Withheld(moved, 2 * 10**12, ("the bytes of flash 9 are more than 8",), "vulkan")) == (
        "a candidate with 0 operators on the CPU, 1 delegate, 7,520 bytes moved, 1 operation is not offered: the bytes "
        "of flash 9 are more than 8"
    )


def test_where_all_lose_too_much_the_best_of_them_is_reported() -> None:
    qualities = {
        "a": Quality(30, 40, 4, shortfall="30 dB"),
        "b": Quality(39, 40, 4, shortfall="39 dB"),
        "c": Quality(41, 40, 4),
    }
    others = [replace(evaluation(name), verified=False, quality=one) for name, one in qualities.items()]
    nearest = best_by_quality([*others, evaluation("d")])
    assert nearest is not None and nearest.recipe == "b"
    assert best_by_quality(others[2:]) is None
