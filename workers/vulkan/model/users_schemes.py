"""Whether the user has given a model its schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.models.types import is_quantised

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def has_schemes(program: ExportedProgram) -> bool:
    """Whether a program is quantised, by PyTorch's operators or by torchao's, and so keeps its schemes.

    Args:
        program: of a model.
    """
    return is_quantised(program) or any(
        str(node.target).startswith("torchao.") for node in program.graph.nodes if node.op == "call_function"
    )
