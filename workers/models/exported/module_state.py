"""What a model carries from one run to the next: buffers that it writes to, such as the past of a streaming net or the
cache of a decoder, and the generator of random numbers."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram
    from torch.fx import GraphModule


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Inside the block, operators such as aten.rand give the same numbers as in every other such block. The generator
    goes on afterwards as if there had been none.

    Yields:
        Nothing.
    """
    import torch

    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        yield


@contextmanager
def state_kept(module: nn.Module, names: Container[str] | None = None) -> Iterator[None]:
    """After the block, give buffers the values that they have now: what runs inside leaves no trace, and the next run
    starts anew, also in its random numbers.

    Args:
        module: with the buffers.
        names: of the buffers; None for all.

    Yields:
        Nothing.
    """
    import torch

    named = [buffer for name, buffer in module.named_buffers() if names is None or name in names]
    before = [(buffer, buffer.detach().clone()) for buffer in named]
    try:
        with same_random_numbers():
            yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def written_buffers(program: ExportedProgram) -> list[str]:
    """Names of the buffers that a lowered program writes to, in alphabetical order."""
    return sorted(set(program.graph_signature.buffers_to_mutate.values()))


def lost_starts(program: ExportedProgram) -> tuple[str, ...]:
    """A warning about buffers of a lowered program that start in its `.pte` with something else than the model has.

    ExecuTorch writes start values of buffers that a program writes to only where InitializedMutableBufferPass was run.
    """
    held = {**program.state_dict, **program.constants}
    lost = [name for name in written_buffers(program) if held[name].any()]
    if not lost:
        return ()
    return (
        f"ExecuTorch does not write into a .pte what the model has {', '.join(lost)} start with: buffers that it "
        "writes to start with what is in their memory, here with zeros",
    )


def as_written(program: ExportedProgram) -> GraphModule:
    """A program as a module that starts as its `.pte` does where all memory is zeros: see `lost_starts`."""
    import torch

    module: GraphModule = program.module(check_guards=False)
    with torch.no_grad():
        for name in written_buffers(program):
            module.get_buffer(name).zero_()
    return module
