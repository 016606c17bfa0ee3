"""What a search saw and does not offer is told with the limit that forbids it."""

from dataclasses import replace

from support.samples.sample_results import best, evaluation, figures

from tuner.tuning.best.withheld import cheapest_withheld, least_sram
from tuner.tuning.objective import Objective


def test_the_cheapest_candidate_beyond_a_limit_is_told() -> None:
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
