"""Whether the user has given a model its schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.models.types import is_quantised

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def has_schemes(program: ExportedProgram) -> bool:
    """Look for quantisation by PyTorch's operators or by torchao's.

    Args:
        program: of a model.

    Returns:
        Whether there is any, so that the model keeps its schemes.
    """
    return is_quantised(program) or any(
        str(node.target).startswith("torchao.") for node in program.graph.nodes if node.op == "call_function"
    )
