"""What a search minimises: facts in an order, and the same order as one whole number.

The order is lexicographic: loads, quality above the limit, operators left to the CPU, delegates, bytes moved,
operations, constant bytes. There are no milliseconds without a device: a model of bytes has the wrong sign on published
pairs of convolution kernels, and an unknown overhead per dispatch decides the rest.

The whole number is written so that its decimal digits are the facts, which people can read:

    HHH DD BBBBBBBBBB OOO   operators on the CPU, delegates, bytes moved, operations

Eighteen digits, so that a database's 64-bit integer holds it. It has no place for the first two and the last of the
facts: a program that does not load, or is not good enough, is no candidate and is told to a sampler as a violated
constraint; constant bytes decide only between programs that are equal in everything else. A fact beyond its digits
stands as all nines, and only `order` tells such programs apart.
"""

from __future__ import annotations

from workers.vulkan.cost.facts import Facts

_DIGITS = (("host_operators", 3), ("delegates", 2), ("moved_bytes", 10), ("operations", 3))


def order(facts: Facts, quality_db: float, limit_db: float) -> tuple[int, ...]:
    """A key that sorts programs from the best to the worst.

    Args:
        quality_db: signal-to-noise ratio of the worst output against the float model.
        limit_db: below which the user wants no program.
    """
    return (
        int(facts.refused > 0),
        int(quality_db < limit_db),
        facts.host_operators,
        facts.delegates,
        facts.moved_bytes,
        facts.operations,
        facts.constant_bytes,
    )


def lexicographic_cost(facts: Facts) -> int:
    """The middle of the order as one number: see the head of this file. Smaller is better."""
    number = 0
    for name, digits in _DIGITS:
        number = number * 10**digits + min(getattr(facts, name), 10**digits - 1)
    return number


def explained(cost: int) -> dict[str, int]:
    """The facts that are in a number; what is all nines was at least that."""
    found = {}
    for name, digits in reversed(_DIGITS):
        cost, found[name] = divmod(cost, 10**digits)
    return dict(reversed(found.items()))


def violations(facts: Facts, quality_db: float, limit_db: float) -> tuple[float, float]:
    """How far a program is from being a candidate: operators that are refused, and decibels that lack; 0 for none."""
    return float(facts.refused), max(0.0, limit_db - quality_db)
