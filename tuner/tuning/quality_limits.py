"""What a user allows besides exact recipes, in the words that the command line, suite files and jobs have for it."""

from __future__ import annotations

from collections.abc import Callable

from search_space.exactness import Exactness
from workers.checking.allowance import Allowance, Metric
from workers.errors import ModelError


def allowance_of(
    requant: float | None, precision: float | None, metric: str | None = None, minimum: float | None = None,
    spelt: Callable[[str], str] = str,
) -> Allowance:  # fmt: skip
    """requant, precision: dB that may be lost, None where it is not allowed. metric, minimum: `file.py:function` and
    what it must give. spelt: how names such as `min_metric` are written where they come from.

    Raises:
        ModelError: they contradict each other, or there is no such file.
    """
    if (metric is None) != (minimum is None):
        names = f"{spelt('metric')} and {spelt('min_metric')}"
        raise ModelError(f"{names} go together: what measures a candidate, and what it must give")
    own = Metric.of(metric, minimum) if metric is not None and minimum is not None else None
    match requant, precision:
        case None, None if own is None:
            return Allowance()
        case None, None:
            either = f"{spelt('allow_requant')} or {spelt('allow_precision')}"
            raise ModelError(f"{spelt('metric')} measures what is not exact: give {either} as well")
        case float(), None:
            return Allowance(Exactness.REQUANTISING, requant, own)
        case None, float():
            return Allowance(Exactness.PRECISION, precision, own)
        case _:
            raise ModelError(f"{spelt('allow_precision')} allows what {spelt('allow_requant')} does: give one of them")
