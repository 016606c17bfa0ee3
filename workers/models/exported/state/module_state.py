"""What a model carries from one run to the next: written buffers, and the generator of random numbers. Buffers hold the
past of a streaming net or the cache of a decoder.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workers.models.exported.shared_memory import is_in_place, memory_of

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram
    from torch.fx import GraphModule, Node


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
    """After the block, give buffers the values that they have now. What runs inside leaves no trace. The next run
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


class StartState:
    """What the buffers that a model writes to hold before anything runs.

    A quantiser runs some writes itself. Constants are folded by running operators that depend on no input, such as
    `count.add_(1)`. Passes trace the module anew. The module that a program gives shares its buffers with that program
    and with the user's model. What is made of it holds the same tensors, maybe renamed, or copies by the same names.

    Args:
        module: as `ExportedProgram.module` gives it.
    """

    def __init__(self, module: GraphModule) -> None:
        written = {memory_of(node).target for node in module.graph.nodes if is_in_place(node)}
        self._held = {
            name: (buffer, buffer.detach().clone()) for name, buffer in module.named_buffers() if name in written
        }

    def put_back(self, made: nn.Module) -> None:
        """Give the model's buffers their values again, and their copies in what was made of the module.

        Args:
            made: the module itself, or what a quantiser made of it.
        """
        import torch

        with torch.no_grad():
            for buffer, value in self._held.values():
                buffer.copy_(value)
            for name, buffer in made.named_buffers():
                if name in self._held:
                    buffer.copy_(self._held[name][1])


def written_buffers(program: ExportedProgram) -> list[str]:
    """Names of the buffers that a lowered program writes to, in alphabetical order."""
    return sorted(set(program.graph_signature.buffers_to_mutate.values()))


def lost_state(before: ExportedProgram, after: ExportedProgram, lowered: ExportedProgram) -> list[str]:
    """Buffers that a model carries from run to run, and its quantised form does not.

    ExecuTorch's quantiser gives an in-place operator, such as add_, as one that leaves the buffer as it is. What a
    program computes of its buffers alone, such as a counter, its ConstantFoldingPass takes for a constant.

    Args:
        before: the float program, as torch.export gives it.
        after: the quantised program.
        lowered: what that is lowered to.

    Returns:
        Their names, in alphabetical order.
    """
    kept = written_buffers(lowered)
    written = sorted(written_in_place(before))
    carried = [name for name in written if _is_read(before, name) and _reaches_outputs(before, name)]
    return [name for name in carried if name not in kept or not _is_read(after, name)]


def written_in_place(program: ExportedProgram) -> set[str]:
    """Names of the buffers that operators of a program write to, through views too, as torch.export gives it."""
    held = program.graph_signature.inputs_to_buffers
    targets = (memory_of(node.args[0]) for node in program.graph.nodes if is_in_place(node))
    return {held[one.name] for one in targets if one.name in held}


def starts_of_written(program: ExportedProgram) -> dict[str, Tensor]:
    """The buffers of `written_in_place` by name, in alphabetical order, with what they start with."""
    written = written_in_place(program)
    return {name: buffer for name, buffer in sorted(program.named_buffers()) if name in written}


def _is_read(program: ExportedProgram, buffer: str) -> bool:
    """Whether what a buffer holds at the start matters."""
    names = program.graph_signature.inputs_to_buffers
    for node in program.graph.nodes:
        if node.op == "placeholder" and names.get(node.name) == buffer:
            users = sorted(node.users)
            return bool(users) and not _overwrites(users[0], node) and any(_reads(one, node) for one in users)
    return False


def _reaches_outputs(program: ExportedProgram, buffer: str) -> bool:
    """Whether what a program gives depends on a buffer, in this run or by another buffer in a later one."""
    names, given = program.graph_signature.inputs_to_buffers, program.graph_signature.user_outputs
    reached = [node for node in program.graph.nodes if names.get(node.name) == buffer]
    for node in reached:
        behind = [*node.users, *([memory_of(node)] if is_in_place(node) else [])]
        if node.name in given:
            return True
        reached += [one for one in behind if one not in reached]
    return False


def _overwrites(user: Node, value: Node) -> bool:
    return str(user.target).startswith(("aten.copy_", "aten.fill_", "aten.zero_")) and user.args[0] is value


def _reads(user: Node, value: Node) -> bool:
    """Whether an operator, or one behind it that gets the same memory, does more with a value than write over it."""
    if "_assert" in str(user.target):
        return False
    if is_in_place(user) and user.args[0] is value and value not in user.args[1:]:
        return any(_reads(one, user) for one in user.users)
    return True


def lost_starts(program: ExportedProgram) -> tuple[str, ...]:
    """A warning about buffers of a lowered program whose initial values differ between its `.pte` and the model.

    ExecuTorch writes start values of buffers that a program writes to only where InitializedMutableBufferPass was run.

    Args:
        program: lowered.

    Returns:
        The warning, if there is one.
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
