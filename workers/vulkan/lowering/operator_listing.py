"""torch's list of operators that decompose, made once while a model is lowered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def operators_listed_once() -> Iterator[None]:
    """Ask torch's dispatcher once for the operators with an implicit decomposition.

    torch asks once for each namespace and each time that it decomposes. That happens two hundred times while a model is
    lowered, and is a third of the time. What is registered later is in a program only if somebody asked for it by name.
    """
    from torch._export import utils

    stock, done = utils._materialize_cpp_cia_ops, False

    def once() -> None:
        nonlocal done
        if not done:
            stock()
        done = True

    with patch.object(utils, "_materialize_cpp_cia_ops", once):
        yield
