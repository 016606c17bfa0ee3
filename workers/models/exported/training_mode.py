"""Modules and programs whose outputs depend on the batch, or on chance, as they do in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram
    from torch.fx import Node

#: How schemas of torch's operators call the flag, and the part of elements that a dropout drops.
_FLAGS, _DROPPED = ("training", "train"), ("p", "dropout")
#: The part that scaled_dot_product_attention drops, which has no flag.
_ALWAYS_DROPPED = "dropout_p"


def in_eval_mode(module: nn.Module) -> nn.Module:
    """The same module after `eval()`, without gradients.

    A module that torch.export or convert_pt2e made, or that has one in it, cannot change its mode. `in_training_mode`
    finds the mode once it is exported.
    """
    try:
        return module.eval().requires_grad_(False)
    except NotImplementedError:
        for one in module.modules():
            one.training = False
        return module.requires_grad_(False)


def in_training_mode(program: ExportedProgram) -> str | None:
    """The first operator that was exported in training mode, such as `aten.batch_norm (batch_norm)`; None if none was.

    A dropout of nothing is the same in both modes.
    """
    for node in program.graph.nodes:
        if node.op == "call_function" and _trains(_arguments(node)):
            return f"{str(node.target).rpartition('.')[0]} ({node.name})"
    return None


def _trains(arguments: Mapping[str, Any]) -> bool:
    if arguments.get(_ALWAYS_DROPPED):
        return True
    flagged = any(arguments.get(name) is True for name in _FLAGS)
    return flagged and not any(arguments.get(name) == 0 for name in _DROPPED)


def _arguments(node: Node) -> dict[str, Any]:
    """By the names of the operator's schema, those of other callables left out."""
    schema = getattr(node.target, "_schema", None)
    named = {} if schema is None else {one.name: one.default_value for one in schema.arguments}
    return named | dict(zip(named, node.args, strict=False)) | dict(node.kwargs)
