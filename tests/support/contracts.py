"""The contracts of the built-in passes, found by the files of their tests below `tests/search_space`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

from search_space.passes.base import Pass
from support import TESTS
from velatune.testing import Kind, PassContract

_FOLDER = TESTS / "search_space"


def _contracts() -> Iterator[type[PassContract]]:
    for path in sorted(_FOLDER.rglob("test_*.py")):
        if f"({PassContract.__name__}):" in path.read_text():
            if str(path.parent) not in sys.path:
                sys.path.insert(0, str(path.parent))
            for value in vars(importlib.import_module(path.stem)).values():
                if isinstance(value, type) and issubclass(value, PassContract) and value is not PassContract:
                    yield value


#: Pass with its options, as recipes write it -> the class that tests it. Read at import: the files hold Hypothesis
#: tests, which cannot be made while another one runs.
CONTRACTS = {str(contract.a_pass): contract for contract in _contracts()}


def operators_for(one: Pass) -> Kind:
    """Operators that open sites of a pass."""
    return CONTRACTS[str(one)].operators
