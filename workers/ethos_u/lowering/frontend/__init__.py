"""What lowering choices make ExecuTorch do: a file for each `search_space.choices.frontend.base.FrontendChoice`, found
by its name.

A file has `lowering(alternative)`, a context manager inside which ExecuTorch lowers by the alternative. That of a
quantiser choice has `quantising(alternative)` instead, inside which models are quantised by the alternative. And
`concerns(host_operators)`: whether it may change a program that leaves these on the CPU. Where it does not depend on
that, as for `precision`, a file has no such function. What is worth trying is measured instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType

from search_space.choices.frontend.base import FrontendChoice, QuantiserChoice, Setting
from search_space.exactness import Exactness
from search_space.recipe import registry
from workers.ethos_u.cost.estimates.host_operators import HostOperator


@contextmanager
def lowering_by(setting: Setting) -> Iterator[None]:
    """Inside the block, this thread's ExecuTorch lowers by the setting. One thread of a process at a time."""
    with ExitStack() as stack:
        for name, alternative in setting:
            if not _is_for_quantiser(name):
                stack.enter_context(_file_of(name).lowering(alternative))
        yield


@contextmanager
def quantising_by(setting: Setting) -> Iterator[None]:
    """Inside the block, this thread's ExecuTorch quantises by the setting. One thread of a process at a time.

    Raises ModelError inside, if the model has not the layers that the setting names. It raises it at the end if nothing
    was quantised by a setting that is for the quantiser.
    """
    with ExitStack() as stack:
        for name, alternative in setting:
            if _is_for_quantiser(name):
                stack.enter_context(_file_of(name).quantising(alternative))
        yield


def is_for_quantiser(setting: Setting) -> bool:
    """Whether a setting changes how a model is quantised."""
    return any(_is_for_quantiser(name) for name, _ in setting)


def open_settings(host_operators: Iterable[HostOperator], allowed: Exactness = Exactness.EXACT) -> list[Setting]:
    """Every single alternative of the allowed classes that may change a program with these operators on the CPU. Those
    for the quantiser are not among them.

    Args:
        host_operators: what the default lowering leaves on the CPU.
        allowed: the least exact class.

    Returns:
        Settings of one choice each.
    """
    on_host = list(host_operators)
    return [
        ((name, alternative),)
        for name, choice in registry.choices().items()
        if issubclass(choice, FrontendChoice) and _concerns(name, on_host)
        for alternative in choice.alternatives
        if choice.exactness(alternative) <= allowed
    ]


def _concerns(name: str, on_host: list[HostOperator]) -> bool:
    concerns = getattr(_file_of(name), "concerns", None)
    return concerns is not None and concerns(on_host)


def _is_for_quantiser(name: str) -> bool:
    return issubclass(registry.choices()[name], QuantiserChoice)


def _file_of(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name.replace('-', '_')}")
