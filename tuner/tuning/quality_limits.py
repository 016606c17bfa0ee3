"""What a user allows besides exact recipes, as the command line, suite files and jobs express it."""

from __future__ import annotations

from collections.abc import Callable

from search_space.exactness import Exactness
from workers.checking.allowance import Allowance, Metric
from workers.errors import ModelError


def allowance_of(
    requant: float | None, precision: float | None, metric: str | None = None, minimum: float | None = None,
    min_sqnr: float | None = None, spelt: Callable[[str], str] = str,
) -> Allowance:  # fmt: skip
    """What is allowed, by what a user says.

    Args:
        requant, precision: dB that may be lost, None where it is not allowed.
        metric, minimum: `file.py:function` and what it must give.
        min_sqnr: dB that a candidate must reach instead, whatever is lost.
        spelt: how names such as `min_metric` are written where they come from.

    Returns:
        What is allowed; nothing that is not exact where all are None.

    Raises:
        ModelError: they contradict each other, or there is no such file.
    """
    if (metric is None) != (minimum is None):
        names = f"{spelt('metric')} and {spelt('min_metric')}"
        raise ModelError(f"{names} go together: what measures a candidate, and what it must give")
    own = Metric.of(metric, minimum) if metric is not None and minimum is not None else None
    either = f"{spelt('allow_requant')} or {spelt('allow_precision')}"
    if own is not None and min_sqnr is not None:
        raise ModelError(f"{spelt('metric')} takes the place of {spelt('min_sqnr')}: give one of them")
    match requant, precision:
        case None, None if own is None and min_sqnr is None:
            return Allowance()
        case None, None:
            said = "metric" if own is not None else "min_sqnr"
            raise ModelError(f"{spelt(said)} measures what is not exact: give {either} as well")
        case float(), None:
            return Allowance(Exactness.REQUANTISING, requant, own, min_sqnr)
        case None, float():
            return Allowance(Exactness.PRECISION, precision, own, min_sqnr)
        case _:
            raise ModelError(f"{spelt('allow_precision')} allows what {spelt('allow_requant')} does: give one of them")
