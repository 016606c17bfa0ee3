"""Run a lowered program on this machine: its delegates by the references, what is between them by PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Interpreter, Node

from workers.errors import ModelError
from workers.vulkan.check.references import REFERENCES
from workers.vulkan.lowering.lowered import Delegate, Lowered
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain


def run_lowered(lowered: Lowered, inputs: Sequence[Any], *, half: bool = False) -> tuple[torch.Tensor, ...]:
    """The outputs of a lowered program.

    Args:
        lowered: any program.
        inputs: positional arguments of the model.
        half: whether the delegates compute in half precision: what each operator gives is stored in it, see
            `stored_in_half`. Kernels on textures compute in single precision, as here.

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
    with quiet_toolchain(), torch.no_grad():
        outputs = _Whole(program, delegates, half).run(
            *_arguments(program, torch.utils._pytree.tree_leaves(tuple(inputs)))
        )
    return tuple(one for one in torch.utils._pytree.tree_leaves(outputs) if isinstance(one, torch.Tensor))


class _Whole(Interpreter):
    def __init__(self, program: ExportedProgram, delegates: Mapping[str, Delegate], half: bool) -> None:
        super().__init__(program.graph_module)
        self._delegates, self._half = delegates, half

    def run_node(self, n: Node) -> Any:
        from executorch.exir.delegate import executorch_call_delegate

        if n.target is not executorch_call_delegate:
            return super().run_node(n)
        name, operands = str(n.args[0].target), self.map_nodes_to_values(n.args[1:], n)  # type: ignore[union-attr]
        return run_delegate(self._delegates[name], operands, half=self._half)  # type: ignore[arg-type]


def run_delegate(delegate: Delegate, operands: Sequence[Any], *, half: bool = False) -> list[Any]:
    """The outputs of one delegate for what reaches it.

    Args:
        delegate: of a lowered program.
        operands: values of its inputs, in order.
        half: as of `run_lowered`.

    Returns:
        Values of its outputs, in order.
    """
    program = delegate.program
    runner = _Part(program.graph_module, half)
    # The file has constants in half precision already, rounded to the nearest by PyTorch.
    constants = (_rounded_to_half,) if half else ()
    return list(runner.run(*_arguments(program, [*map(runner.held, operands)], *constants)))


class _Part(Interpreter):
    """Runs a delegate's operators by the references."""

    def __init__(self, module: torch.fx.GraphModule, half: bool) -> None:
        super().__init__(module)
        self._half = half

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        reference = REFERENCES.get(getattr(target, "__name__", ""))
        result = reference(*args, **kwargs) if reference else super().call_function(target, args, kwargs)
        return [*map(self.held, result)] if isinstance(result, (tuple, list)) else self.held(result)

    def held(self, value: Any) -> Any:
        """What memory holds of a value."""
        if not self._half or not isinstance(value, torch.Tensor) or value.dtype != torch.float32:
            return value
        return stored_in_half(value)


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
