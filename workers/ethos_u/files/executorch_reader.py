"""ExecuTorch's reader of `.pte` files, without the rest of its package.

`import executorch.exir` imports PyTorch's compilers too, which takes seconds of every `velatune run`. Its reader needs
none of that, only that its package can be found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec, module_from_spec
from typing import Any

_PACKAGE = "executorch.exir"


@cache
def reader() -> Callable[[bytes], Any]:
    """What makes a `PTEFile` of the bytes of a `.pte`. Call it for the first time while no other thread imports
    ExecuTorch."""
    with _package_without_its_content():
        from executorch.exir._serialize import _deserialize_pte_binary

    found: Callable[[bytes], Any] = _deserialize_pte_binary
    return found


@contextmanager
def _package_without_its_content() -> Iterator[None]:
    """Inside the block, modules of the package are imported without what its `__init__` imports, unless that is done.

    Afterwards the package is as if nobody had imported it, but for the modules that were; who imports it gets all.
    """
    spec = None if _PACKAGE in sys.modules else find_spec(_PACKAGE)
    if spec is None:
        yield
        return
    known = set(sys.modules)
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        yield
    finally:
        # Namespace packages ask for their parent whenever something is looked for in them.
        namespaces = [name for name in sys.modules.keys() - known if _is_namespace_of_it(name)]
        for name in (_PACKAGE, *namespaces):
            del sys.modules[name]


def _is_namespace_of_it(name: str) -> bool:
    module = sys.modules[name]
    return name.startswith(f"{_PACKAGE}.") and hasattr(module, "__path__") and getattr(module, "__file__", None) is None
