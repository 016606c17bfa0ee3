"""A quantised model as a program of ExecuTorch's edge operators: what every candidate starts from."""

from __future__ import annotations

from torch.export import ExportedProgram

from workers.errors import ModelError, one_line


def to_edge(quantised: ExportedProgram) -> ExportedProgram:
    """The edge program of a quantised model, by the settings that ExecuTorch's Cortex-M backend asks for.

    Raises:
        ModelError: ExecuTorch cannot express the model in edge operators.
    """
    from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
    from executorch.exir import to_edge as exir_to_edge

    try:
        return exir_to_edge(quantised, compile_config=cortex_m_edge_compile_config()).exported_program()
    except Exception as error:  # ExecuTorch's passes raise whatever the graph makes them raise
        raise ModelError(f"the model cannot be lowered to edge operators: {one_line(error)}") from error
