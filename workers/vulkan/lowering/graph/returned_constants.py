"""Operators that ExecuTorch's passes replace by a constant, which the delegate then returns unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def given_by(program: ExportedProgram) -> list[str]:
    """What the outputs of a partition are made by.

    Args:
        program: in the edge dialect.

    Returns:
        Name of the operator of each output, and nothing for one that is an input or a constant.
    """
    (output,) = program.graph.output_node().args
    return [getattr(getattr(node, "target", None), "__name__", "") for node in output]


def returned_constants(operators: list[str], program: ExportedProgram) -> tuple[str, ...]:
    """Which operators became constants.

    Args:
        operators: of the partition, see `given_by`.
        program: the same after ExecuTorch's passes, with its outputs in the same order.

    Returns:
        Their names, each once, in the order of the outputs.
    """
    signature = program.graph_signature
    constants = {*signature.inputs_to_parameters, *signature.inputs_to_buffers}
    constants |= {*signature.inputs_to_lifted_tensor_constants}
    (outputs,) = program.graph.output_node().args
    pairs = zip(operators, outputs, strict=True)
    return tuple(dict.fromkeys(name for name, node in pairs if getattr(node, "name", "") in constants and name))
