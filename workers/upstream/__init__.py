"""What lowering choices make ExecuTorch do: a file for each `search_space.upstream.UpstreamChoice`, found by its name.

A file has `lowering(alternative)`, a context manager inside which ExecuTorch lowers by the alternative, and
`concerns(host_operators)`: whether it may change a program that leaves these on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType

from search_space import registry
from search_space.exactness import Exactness
from search_space.upstream import Setting, UpstreamChoice
from workers.host_operators import HostOperator


@contextmanager
def lowering_by(setting: Setting) -> Iterator[None]:
    """Inside the block, this thread's ExecuTorch lowers by the setting. One thread of a process at a time."""
    with ExitStack() as stack:
        for name, alternative in setting:
            stack.enter_context(_file_of(name).lowering(alternative))
        yield


def open_settings(host_operators: Iterable[HostOperator], allowed: Exactness = Exactness.EXACT) -> list[Setting]:
    """Every single alternative of the classes that are allowed and that may change a program which leaves these
    operators on the CPU."""
    on_host = list(host_operators)
    return [
        ((name, alternative),)
        for name, choice in registry.choices().items()
        if issubclass(choice, UpstreamChoice) and _file_of(name).concerns(on_host)
        for alternative in choice.alternatives
        if choice.exactness(alternative) <= allowed
    ]


def _file_of(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name.replace('-', '_')}")
