"""Timing of alternatives.

All are run in turn, so that a busy machine slows them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

ROUNDS = 15


def milliseconds(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Median time of each task over ROUNDS rounds, after one round that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS + 1):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            taken[name].append(1000 * (time.perf_counter() - started))
    return {name: median(times[1:]) for name, times in taken.items()}
