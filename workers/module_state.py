"""Buffers that a model writes to while it runs, such as the past of a streaming net or the cache of a decoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def state_kept(module: nn.Module) -> Iterator[None]:
    """Give the buffers that the module has now the values that they have now, after the block: what runs inside leaves
    no trace, and the next run starts anew. Buffers that come to it inside, such as those of observers, stay."""
    import torch

    before = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
