"""Whether a `.pte` can give what a program gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.utils._pytree import TreeSpec


def outputs_fault(program: ExportedProgram) -> str:
    """Why not, and what to return instead.

    ExecuTorch writes the structure of outputs into a `.pte` as text. torch has that for its registered types alone.

    Args:
        program: as torch.export gives it.

    Returns:
        As in `gives back nothing; ...`; empty if nothing is known against its outputs.
    """
    from torch.export.graph_signature import OutputKind, TensorArgument
    from torch.utils import _pytree as pytree

    given = [one.arg for one in program.graph_signature.output_specs if one.kind == OutputKind.USER_OUTPUT]
    if not any(isinstance(one, TensorArgument) for one in given):
        return "gives back no tensor; return what it computes"
    structure = program.call_spec.out_spec
    if structure is not None:
        try:
            pytree.treespec_dumps(structure)
        except NotImplementedError:
            kind = _unknown(structure)
            return f"gives back a {kind}, whose structure ExecuTorch cannot write into a .pte; return a tuple instead"
    return ""


def _unknown(structure: TreeSpec) -> str:
    """The type of the innermost part that torch has no text for."""
    from torch.utils import _pytree as pytree

    for child in structure.children():
        try:
            pytree.treespec_dumps(child)
        except NotImplementedError:
            return _unknown(child)
    # Of a named tuple torch keeps the class elsewhere than of other types.
    kind = structure.context if isinstance(structure.context, type) else structure.type
    return f"{kind.__module__}.{kind.__name__}"
