"""What is minimised, and what a candidate may not do to get there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.sample_results import IDENTITY, best

from results.reports.pareto import Limits
from search_space.exactness import Exactness
from tuner.service.backend import Toolchain
from tuner.tuning.objective import FamilyObjective, Objective
from workers.backend.cost import Cost
from workers.checking.allowance import Allowance, Metric

DEFAULT = Cost(
    metrics={"stream_cycles": 1000, "conservative_cycles": 1000, "vela_cycles": 400, "host_cycles": 100},
    sram_bytes=2000,
    flash_bytes=5000,
)


def changed(cost: Cost, **numbers: int) -> Cost:
    """The cost with other metrics, or other needs of memory."""
    memory = {name: number for name, number in numbers.items() if name in ("sram_bytes", "flash_bytes")}
    metrics = {name: number for name, number in numbers.items() if name not in memory}
    return replace(cost, metrics={**cost.metrics, **metrics}, **memory)


cycles = st.integers(0, 10**9)
costs = st.builds(
    changed, st.just(DEFAULT), stream_cycles=cycles, vela_cycles=cycles, sram_bytes=cycles, flash_bytes=cycles
)


def objective_of(*arguments: Any, **more: Any) -> FamilyObjective:
    return Objective(*arguments, **more).on("ethos-u")


def test_the_stream_counts_whatever_vela_estimates() -> None:
    objective = objective_of()
    phantom = changed(DEFAULT, vela_cycles=300)
    assert objective.cycles(phantom, DEFAULT) == objective.cycles(DEFAULT, DEFAULT) == 1100
    dearer_by_vela = changed(DEFAULT, stream_cycles=500, vela_cycles=401)
    assert objective.cycles(dearer_by_vela, DEFAULT) == 600
    assert objective.violations(dearer_by_vela, DEFAULT) == {}


def test_a_gain_holds_whichever_model_is_right_about_what_nobody_measured() -> None:
    dearer = changed(DEFAULT, stream_cycles=500, conservative_cycles=1001)
    (beyond,) = objective_of().violations(dearer, DEFAULT)
    assert beyond == "the cycles, by Vela where no evidence covers them, 1,101 are more than 1,100"
    assert not objective_of().violations(changed(dearer, conservative_cycles=1000), DEFAULT)
    moved_in = changed(dearer, conservative_cycles=1050, host_cycles=10)
    assert not objective_of().violations(moved_in, DEFAULT), "what the NPU takes over from the CPU"
    assert not objective_of("vela").violations(dearer, DEFAULT)
    assert not objective_of("both").violations(dearer, DEFAULT)


def test_both_is_the_worse_ratio() -> None:
    objective = objective_of("both")
    assert objective.cycles(changed(DEFAULT, stream_cycles=450), DEFAULT) == 1100
    assert objective.cycles(changed(DEFAULT, stream_cycles=450, vela_cycles=150), DEFAULT) == 550
    assert objective.cycles(changed(DEFAULT, stream_cycles=10, vela_cycles=150), DEFAULT) == 550


@given(cost=costs, kind=st.sampled_from(["stream", "vela", "both"]))
def test_nothing_that_is_worse_by_both_estimates_is_cheaper(cost: Cost, kind: str) -> None:
    objective = objective_of(kind)
    worse = changed(cost, stream_cycles=cost["stream_cycles"] + 1, vela_cycles=cost["vela_cycles"] + 1)
    assert objective.cycles(worse, DEFAULT) >= objective.cycles(cost, DEFAULT)
    assert objective.cycles(DEFAULT, DEFAULT) == {"stream": 1100, "vela": 500, "both": 1100}[kind]
    with_more_on_the_host = changed(cost, host_cycles=cost["host_cycles"] + 1000)
    assert objective.cycles(with_more_on_the_host, DEFAULT) > objective.cycles(cost, DEFAULT)


@pytest.mark.parametrize(
    ("objective", "cost", "beyond"),
    [
        (objective_of(), {"sram_bytes": 6096}, {}),
        (objective_of(), {"sram_bytes": 6097}, {"the bytes of SRAM 6,097 are more than 6,096": 1 / 6096}),
        (objective_of(max_sram_bytes=1500), {}, {"the bytes of SRAM 2,000 are more than 1,500": 500 / 1500}),
        (objective_of(max_sram_bytes=9000), {"sram_bytes": 9000}, {}),
        (objective_of(), {"flash_bytes": 10**9}, {}),
        (objective_of(max_flash_bytes=4000), {}, {"the bytes of flash 5,000 are more than 4,000": 0.25}),
    ],
)
def test_memory_is_limited(objective: FamilyObjective, cost: dict[str, int], beyond: dict[str, float]) -> None:
    assert objective.violations(changed(DEFAULT, **cost), DEFAULT) == beyond


@pytest.mark.parametrize(("default", "most"), [(0, 4096), (40_960, 45_056), (40_970, 45_067), (10**6, 1_100_000)])
def test_a_tenth_or_4_kib_more_sram_may_be_used(default: int, most: int) -> None:
    before = changed(DEFAULT, sram_bytes=default)
    assert not objective_of().violations(changed(DEFAULT, sram_bytes=most), before)
    assert objective_of().violations(changed(DEFAULT, sram_bytes=most + 1), before)


def test_the_front_has_no_limit_of_sram_but_the_user_s() -> None:
    assert objective_of().front_limits == Limits()
    assert objective_of("both", 3, 4).front_limits == Limits(3, 4)


@given(cost=costs)
def test_a_best_by_both_is_dearer_by_neither(cost: Cost) -> None:
    if objective_of("both").cycles(cost, DEFAULT) <= objective_of("both").cycles(DEFAULT, DEFAULT):
        assert cost["stream_cycles"] <= DEFAULT["stream_cycles"]
        assert cost["vela_cycles"] <= DEFAULT["vela_cycles"]


limits = st.none() | st.integers(1, 2**40)
allowances = st.sampled_from([
    Allowance(), Allowance(Exactness.REQUANTISING), Allowance(Exactness.PRECISION, 1.5),
    Allowance(Exactness.REQUANTISING, metric=Metric("net.py:SRAM", "ab" * 32, 0.9)),
])  # fmt: skip


objectives = st.builds(objective_of, st.sampled_from(["stream", "vela", "both"]), limits, limits, allowances)


@given(one=objectives, other=objectives)
def test_equal_objectives_have_equal_facts_and_others_others(one: FamilyObjective, other: FamilyObjective) -> None:
    assert (one.facts() == other.facts()) == (one == other)


@given(one=objectives)
def test_the_limits_of_an_objective_can_be_read_from_its_facts(one: FamilyObjective) -> None:
    assert Objective.limits_in(one.facts()) == one.front_limits
    assert Objective.limits_in({**one.facts(), "max_sram_bytes": "-1"}).sram_bytes is None
    assert Objective.limits_in({}) == Limits()


def test_a_best_is_shown_within_the_limits_of_its_own_objective() -> None:
    def limits_of(objective: FamilyObjective | None) -> Limits:
        facts = objective.facts() if objective is not None else {"minimised": "what another version did"}
        shown = best(identity=replace(IDENTITY, objective=facts))
        return Toolchain().explain(shown, ()).limits

    assert limits_of(objective_of()) == Limits()
    assert limits_of(objective_of("both", 3, 4, Allowance(Exactness.PRECISION))) == Limits(3, 4)
    assert limits_of(None) == Limits()


def test_every_objective_is_another_identity() -> None:
    kinds = [objective_of(kind) for kind in ("stream", "vela", "both")]
    limits = [objective_of(max_sram_bytes=1), objective_of(max_sram_bytes=2), objective_of(max_flash_bytes=1)]
    assert len({str(objective) for objective in kinds + limits}) == 6


@pytest.mark.parametrize(("family", "fact"), [("cortex-m", "prices"), ("vulkan", "rules")])
def test_facts_have_a_hash_of_what_decides(family: str, fact: str) -> None:
    assert len(Objective().on(family).facts()[fact]) == 32
