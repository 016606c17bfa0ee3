"""Messages about candidates that would have been the best and turned out wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from results.records.evaluation import Evaluation

#: Addresses, names of tensors and counts: they differ between candidates that are wrong for the same cause.
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


def warnings_by_cause(wrong: Iterable[Evaluation]) -> Iterator[str]:
    """A line for each cause, with the first candidate and how many others are wrong alike.

    Two candidates have the same cause if their reasons differ in numbers only. What follows the semicolon is left out
    of that. The operation that goes wrong first is looked for in the first candidate alone.
    """
    by_cause: dict[str, list[Evaluation]] = {}
    for one in wrong:
        by_cause.setdefault(_NUMBER.sub("", one.reason.partition(";")[0]), []).append(one)
    for first, *others in by_cause.values():
        alike = f" (and {len(others)} more candidates alike)" if others else ""
        yield f"{first.recipe} was to be the best and is wrong on more inputs: {first.reason}{alike}"
