"""Buffers that a model writes to while it runs, such as the past of a streaming net or the cache of a decoder."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def state_kept(module: nn.Module, names: Container[str] | None = None) -> Iterator[None]:
    """After the block, give buffers the values that they have now: what runs inside leaves no trace, and the next run
    starts anew.

    names: of the buffers; None for all.
    """
    import torch

    named = [buffer for name, buffer in module.named_buffers() if names is None or name in names]
    before = [(buffer, buffer.detach().clone()) for buffer in named]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
