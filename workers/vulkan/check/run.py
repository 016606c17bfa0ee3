"""Run a lowered program on this machine: its delegates by the references, what is between them by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Interpreter, Node

from workers.errors import ModelError
from workers.vulkan.check.references import IN_HALF, REFERENCES
from workers.vulkan.lowering.lowered import Delegate, Lowered
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain

#: Remainders of integers have the sign of the dividend in ExecuTorch's kernels for the CPU.
_REMAINDERS = ("aten.remainder.Scalar", "aten.remainder.Tensor")

#: What the GPU has of integers.
_LEAST, _MOST = torch.iinfo(torch.int32).min, torch.iinfo(torch.int32).max


def run_lowered(
    lowered: Lowered, inputs: Sequence[Any], *, half: bool = False, noted: set[str] | None = None
) -> tuple[torch.Tensor, ...]:
    """The outputs of a lowered program.

    Args:
        lowered: any program.
        inputs: positional arguments of the model.
        half: whether the delegates compute in half precision: what each operator gives is stored in it, see
            `stored_in_half`. Most kernels on textures compute in single precision, as here; the others are `IN_HALF`.
        noted: gets a line for each operator whose integers the runtime computes otherwise than PyTorch, which is asked
            here: remainders of numbers below zero, and numbers beyond 32 bits.

    Returns:
        Its tensors, in order.

    Raises:
        ModelError: the program changes buffers, which references have no place for.
    """
    program = lowered.edge.exported_program()
    every = (program, *(one.program for one in lowered.delegates))
    if any(one.graph_signature.buffers_to_mutate for one in every):
        raise ModelError("its buffers change while it runs; the check of a Vulkan program has no state")
    delegates = {one.name: one for one in lowered.delegates}
    notes = set[str]() if noted is None else noted
    with quiet_toolchain(), torch.no_grad():
        outputs = _Whole(program, delegates, half, notes).run(
            *_arguments(program, torch.utils._pytree.tree_leaves(tuple(inputs)))
        )
    return tuple(one for one in torch.utils._pytree.tree_leaves(outputs) if isinstance(one, torch.Tensor))


class _Whole(Interpreter):
    def __init__(
        self, program: ExportedProgram, delegates: Mapping[str, Delegate], half: bool, noted: set[str]
    ) -> None:
        super().__init__(program.graph_module)
        self._delegates, self._half, self._noted = delegates, half, noted

    def run_node(self, n: Node) -> Any:
        from executorch.exir.delegate import executorch_call_delegate

        if n.target is not executorch_call_delegate:
            return super().run_node(n)
        name, operands = str(n.args[0].target), self.map_nodes_to_values(n.args[1:], n)  # type: ignore[union-attr]
        return _run_delegate(self._delegates[name], operands, self._half, self._noted)  # type: ignore[arg-type]

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result, name = super().call_function(target, args, kwargs), getattr(target, "__name__", "")
        if name in _REMAINDERS and not result.dtype.is_floating_point and not torch.equal(result, torch.fmod(*args)):
            self._noted.add(
                f"{name} of integers below zero comes out wrong: on the CPU it has the sign of the dividend; "
                "spell-remainders mends x % n"
            )
        return result


def _run_delegate(delegate: Delegate, operands: Sequence[Any], half: bool, noted: set[str]) -> list[Any]:
    """The outputs of one delegate, in order, for the values of its inputs."""
    program = delegate.program
    runner = _Part(program.graph_module, half, noted)
    taken = [runner.held(one, "an input of a delegate") for one in operands]
    return list(runner.run(*_arguments(program, taken, runner.stored)))


class _Part(Interpreter):
    """Runs a delegate's operators by the references."""

    def __init__(self, module: torch.fx.GraphModule, half: bool, noted: set[str]) -> None:
        super().__init__(module)
        self._half, self._noted = half, noted

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = getattr(target, "__name__", "")
        reference = (IN_HALF.get(name) if self._half else None) or REFERENCES.get(name)
        result = reference(*args, **kwargs) if reference else super().call_function(target, args, kwargs)
        if isinstance(result, (tuple, list)):
            return [self.held(one, name) for one in result]
        return self.held(result, name)

    def stored(self, value: Any) -> Any:
        """What the file holds of a constant: in half precision, what PyTorch rounds it to."""
        self._note_wide(value, "a constant of a delegate")
        return _rounded_to_half(value) if self._half else value

    def held(self, value: Any, name: str) -> Any:
        """What memory holds of a value of this name."""
        self._note_wide(value, name)
        if not self._half or not isinstance(value, torch.Tensor) or value.dtype != torch.float32:
            return value
        return stored_in_half(value)

    def _note_wide(self, value: Any, name: str) -> None:
        if isinstance(value, torch.Tensor) and value.dtype == torch.int64 and value.numel():
            least, most = torch.aminmax(value)
            if least < _LEAST or most > _MOST:
                self._noted.add(f"{name} has integers beyond 32 bits, of which the GPU keeps the lower 32")


def stored_in_half(values: torch.Tensor) -> torch.Tensor:
    """Floats as a texture of half precision holds them, cut off towards zero.

    Vulkan leaves to a device whether a store takes the nearest number or cuts off. A device that takes the nearest has
    less noise. A software Vulkan (lavapipe) cuts off, and gives these very numbers.

    Args:
        values: in single precision.

    Returns:
        In single precision, of the same shape; infinity beyond the largest number of half precision.
    """
    nearest = values.half()
    is_larger = nearest.isfinite() & (nearest.float().abs() > values.abs())
    # The next number towards zero is the one whose bits, read as an integer, are one less.
    return (nearest.view(torch.int16) - is_larger.to(torch.int16)).view(torch.float16).float()


def _rounded_to_half(value: Any) -> Any:
    is_float = isinstance(value, torch.Tensor) and value.dtype == torch.float32
    return value.half().float() if is_float else value


def _arguments(
    program: ExportedProgram, operands: Sequence[Any], constant: Callable[[Any], Any] = lambda value: value
) -> list[Any]:
    """Values of all placeholders: constants by the signature, and what `constant` makes of them; the others in
    order."""
    remaining = iter(operands)
    return [
        next(remaining)
        if spec.kind is InputKind.USER_INPUT
        else constant(_constant(program, spec.kind, str(spec.target)))
        for spec in program.graph_signature.input_specs
    ]


def _constant(program: ExportedProgram, kind: InputKind, name: str) -> Any:
    if kind in (InputKind.PARAMETER, InputKind.BUFFER) and name in program.state_dict:
        return program.state_dict[name]
    return program.constants[name]
