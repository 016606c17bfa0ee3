"""What all searches of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from results.store.store import Store
from tuner.search.samplers import SamplerName
from tuner.search.search_clock import SearchClock
from tuner.search.warm_start import WarmStart
from tuner.tuning.progress import Progress
from workers.pool.ray_pool import Pool

_NO_EXPERIENCE = WarmStart()


@dataclass(frozen=True)
class TuningContext:
    """What all searches of one command share.

    Attributes:
        pool: worker processes.
        store: where results go.
        studies: folder of the journals of searches, so that they can be resumed.
        progress: what a person sees.
        sampler: who proposes candidates.
        experience: what a new search may start from besides its own starting points.
    """

    pool: Pool
    store: Store
    studies: Path
    progress: Progress
    sampler: SamplerName = "local-search"
    experience: WarmStart = _NO_EXPERIENCE

    @cached_property
    def clock(self) -> SearchClock:
        """Of all searches that share the pool."""
        return SearchClock(self.pool.jobs)
