"""A lowered program as a `.pte` file, with the memory that the runtime must provide for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch.export import ExportedProgram

from workers.cache.atomic_write import write_whole
from workers.cortex_m.lowering.copied import copied
from workers.cortex_m.lowering.image_order import views_elided
from workers.errors import ModelError, one_line


@dataclass(frozen=True)
class Written:
    """A `.pte` in memory, with its planned memory.

    Attributes:
        content: of the `.pte` file.
        planned_sram: bytes of the buffers for activations and scratch that the memory plan asks for.
    """

    content: bytes
    planned_sram: int

    def to_file(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_whole(path, self.content)


def written(lowered: ExportedProgram) -> Written:
    """The `.pte` file of a lowered program. ExecuTorch plans its memory; the program itself is left as it is.

    Raises:
        ModelError: ExecuTorch cannot plan its memory, or not write it.
    """
    from executorch.backends.cortex_m.edge_compile_config import cortex_m_edge_compile_config
    from executorch.exir import EdgeProgramManager, ExecutorchBackendConfig

    try:
        edge = EdgeProgramManager(copied(lowered), compile_config=cortex_m_edge_compile_config())
        config = ExecutorchBackendConfig(extract_delegate_segments=False, to_out_var_pass=views_elided())
        program = edge.to_executorch(config=config)
        (plan,) = program.executorch_program.execution_plan
        return Written(bytes(program.buffer), sum(plan.non_const_buffer_sizes))
    except Exception as error:  # whatever ExecuTorch raises while it plans memory
        raise ModelError(f"ExecuTorch cannot write the program: {one_line(error)}") from error
