"""Lower a model with one torch thread and without log output."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from workers.output_capture import toolchain_hushed


@contextmanager
def quiet_toolchain() -> Iterator[None]:
    """One torch thread, because float sums depend on how many threads share them; and no chatter. ExecuTorch's Vulkan
    modules set the root logger to INFO when they are imported. They log every operator.
    """
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
