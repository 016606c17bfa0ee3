"""Searches side by side on recorded spaces, at equal numbers of distinct compiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

from benchmarks.search.laboratory.replay import Curve, replay
from benchmarks.search.laboratory.table import Table, tables
from tuner.search.samplers import SamplerName
from tuner.search.search import Search

#: How many distinct compiles a user has patience for, and how many the area under the curve is taken over.
COMPILES, HORIZON = 45, 45
SEEDS = range(10)
#: Candidates that a search may ask for, by distinct compile. Who only asks for recipes of programs that it has seen
#: would never end. Optuna's samplers take longer for each the more was reported to them: 6,600 recipes led random
#: search to 28 programs of the space of ViT.
ASKED = 8
#: How far below 0 the intervals of leads may begin on the area, and on the gain: ten seeds tell no less apart.
DOUBT_OF_AREA, DOUBT_OF_GAIN = 0.01, 0.005
#: Spaces with fewer programs are seen nearly whole by anybody: there is nothing to compare.
FEWEST = 75


def compared() -> list[Table]:
    """The recorded spaces that searches are compared on, by name."""
    return [table for table in tables() if len(table.programs) >= FEWEST]


@dataclass(frozen=True)
class Series:
    """One sampler on one space, a curve for each seed.

    Attributes:
        seeded: it began at the space's starting points, else at the default alone.
    """

    table: Table
    sampler: SamplerName
    seeded: bool
    curves: tuple[Curve, ...]

    @property
    def gains(self) -> list[float]:
        """The part of the best gain after COMPILES distinct compiles, by seed."""
        return [curve.at(COMPILES) for curve in self.curves]

    @property
    def areas(self) -> list[float]:
        return [curve.area(HORIZON) for curve in self.curves]


def run(table: Table, sampler: SamplerName, seeded: bool, seeds: Iterable[int] = SEEDS) -> Series:
    """Replay a sampler on a space for HORIZON distinct compiles. All samplers begin with the same candidates: the
    default, then the starting points if it is `seeded`."""
    searches = (_search(table, sampler, seeded, seed) for seed in seeds)
    return Series(table, sampler, seeded, tuple(replay(table, one, HORIZON, ASKED * HORIZON) for one in searches))


def to_the_end(table: Table) -> Curve:
    """LocalSearch on a space until nothing is left."""
    return replay(table, _search(table, "local-search", True, seed=0))


def _search(table: Table, sampler: SamplerName, seeded: bool, seed: int) -> Search:
    starts = table.starts if seeded else ()
    return Search(None, table.choices, seed, starts, sampler=sampler, passes=table.elements)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Within which the mean lies with 95 % confidence (bootstrap, the same each time)."""
    if len(set(values)) == 1:
        return values[0], values[0]
    found = bootstrap((np.asarray(values),), np.mean, n_resamples=2000, rng=np.random.default_rng(0))
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def lead(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """By how much ours is ahead, on average over spaces and seeds. Also the interval in which that lies with 95 %
    confidence. Each argument has a value for each seed, for each space. Seeds are drawn again space by space. That one
    space is harder than another says nothing about the samplers."""
    random = np.random.default_rng(0)
    means = np.zeros(2000)
    for mine, other in zip(ours, theirs, strict=True):
        for sign, values in ((1, mine), (-1, other)):
            means += sign * random.choice(np.asarray(values), (len(means), len(values))).mean(axis=1) / len(ours)
    mean = float(np.mean([np.mean(mine) - np.mean(other) for mine, other in zip(ours, theirs, strict=True)]))
    low, high = np.quantile(means, (0.025, 0.975))
    return mean, float(low), float(high)


def is_ahead(ours: Sequence[Series], theirs: Sequence[Series]) -> bool:
    """Whether ours is the better of two on the same spaces. It is ahead on the area under gain against compiles, and
    not worse on the gain after COMPILES. Both hold on average and, but for a little doubt, with 95 % confidence."""
    area, least_area, _ = lead([one.areas for one in ours], [one.areas for one in theirs])
    gain, least_gain, _ = lead([one.gains for one in ours], [one.gains for one in theirs])
    return area > 0 and least_area > -DOUBT_OF_AREA and gain >= 0 and least_gain > -DOUBT_OF_GAIN
