"""The best of a search, as the store keeps it."""

from __future__ import annotations

import time

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.records.record import RunStatus
from results.store.store import Store


class BestRecord:
    """Counts the seconds of a search, those of earlier runs with the same seed included.

    Attributes:
        default: the default lowering's record, which a best is compared with.
    """

    default: Evaluation

    def __init__(self, identity: Identity, seed: int, store: Store) -> None:
        """Record for one search; seconds of an earlier run with the same seed are added to its own.

        Args:
            identity: what the search's results are stored under.
            seed: of the search.
            store: the best is recorded in it.
        """
        self._identity, self._seed, self._store = identity, seed, store
        earlier = store.bests.get(identity.key)
        self._seconds_before = earlier.seconds if earlier is not None and earlier.seed == seed else 0.0
        self.start()

    def start(self) -> None:
        """The search begins now."""
        self._started = time.monotonic()

    def store(self, best: Evaluation, status: RunStatus, tied_with: int | None = None) -> Best:
        """Store a best with the default and how long the search took.

        Args:
            best: with its operators.
            status: that the search ended in.
            tied_with: see `Bests.record`.

        Returns:
            The best that the store holds then; another process may have found a cheaper one.
        """
        evaluations, distinct = self._store.evaluations.counts(self._identity.key)
        return self._store.bests.record(
            Best(
                identity=self._identity,
                default=self.default,
                best=best,
                recipe=best.recipe,
                evaluations=evaluations,
                distinct=distinct,
                seconds=self._seconds_before + time.monotonic() - self._started,
                status=status,
                seed=self._seed,
            ),
            tied_with,
        )
