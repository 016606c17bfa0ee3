"""What a search minimises: facts in an order, and the same order as one whole number.

The order is lexicographic: loads, enough quality, operators on the CPU, delegates, bytes moved, operations, constant
bytes. There are no milliseconds without a device. A model of bytes has the wrong sign on published pairs of convolution
kernels. An unknown overhead per dispatch decides the rest.

The whole number is written so that its decimal digits are the facts, which people can read:

    HHH DD BBBBBBBBBB OOO   operators on the CPU, delegates, bytes moved, operations

Eighteen digits, so that a database's 64-bit integer holds it. It has no place for the first two and the last of the
facts. A program that does not load, or is not good enough, is no candidate. It is reported to a sampler as a violated
constraint. Constant bytes decide only between programs that are equal in everything else. A fact beyond its digits
stands as all nines.
"""

from __future__ import annotations

from workers.backend.cost import Numbers

_DIGITS = (("host_operators", 3), ("delegates", 2), ("moved_bytes", 10), ("operations", 3))


def lexicographic_cost(counted: Numbers) -> int:
    """The middle of the order as one number: see the head of this file.

    Args:
        counted: of a program, by the names of `workers.vulkan.cost.facts.Facts`.

    Returns:
        The number; smaller is better.
    """
    number = 0
    for name, digits in _DIGITS:
        number = number * 10**digits + min(counted[name], 10**digits - 1)
    return number
