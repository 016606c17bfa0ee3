"""What torch and ExecuTorch are kept from while a model is lowered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from workers.output_capture import toolchain_hushed


@contextmanager
def operators_listed_once() -> Iterator[None]:
    """torch asks its dispatcher for all operators with an implicit decomposition, once for each namespace and each time
    that it decomposes: two hundred times while a model is lowered, a third of the time that it takes. Inside the block
    it does so once. What is registered later is in a program only if somebody asked for it by name already."""
    from torch._export import utils

    stock, done = utils._materialize_cpp_cia_ops, False

    def once() -> None:
        nonlocal done
        if not done:
            stock()
        done = True

    utils._materialize_cpp_cia_ops = once
    try:
        yield
    finally:
        utils._materialize_cpp_cia_ops = stock


@contextmanager
def quiet_toolchain() -> Iterator[None]:
    """One torch thread, because float sums depend on how many threads share them; and no chatter. ExecuTorch's Vulkan
    modules set the root logger to INFO when they are imported, and log every operator that they see."""
    import torch

    root, threads = logging.getLogger(), torch.get_num_threads()
    level = root.level
    torch.set_num_threads(1)
    try:
        with toolchain_hushed():
            from executorch.backends.vulkan import vulkan_preprocess  # noqa: F401

            root.setLevel(max(level, logging.WARNING))
            yield
    finally:
        root.setLevel(level)
        torch.set_num_threads(threads)
