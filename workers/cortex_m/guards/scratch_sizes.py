"""Scratch memory that is smaller than the target's kernels ask for.

They write beyond it without an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch.export import ExportedProgram

from workers.cortex_m.cost.reading.nodes import args_of, shape_of
from workers.cortex_m.guards.verdict import Severity, Verdict
from workers.cortex_m.target import Target

NAME = "scratch-sizes"


def check(program: ExportedProgram, target: Target) -> Iterator[Verdict]:
    """Verdicts on kernels of a lowered program whose scratch memory is too small on a target.

    Args:
        program: a lowered program.
        target: that is to run it.

    Yields:
        A verdict for each kernel whose buffer is too small.
    """
    from executorch.backends.cortex_m.passes.scratch_buffer_sizes import required_cmsis_nn_buffer_sizes
    from executorch.backends.cortex_m.target_config import CortexMTargetConfig

    backend = CortexMTargetConfig.from_target_string(target.counted_on).backend
    for node in program.graph.nodes:
        needed = required_cmsis_nn_buffer_sizes(node, backend) if node.op == "call_function" else None
        if not needed:
            continue
        given = [shape_of(one)[0] for one in args_of(node)[-len(needed) :]]
        if any(has < wants for has, wants in zip(given, needed, strict=True)):
            message = (
                f"{node.name}: {sum(given)} bytes of scratch memory, {target.cpu} needs {sum(needed)}; lower the model "
                f"for {target.cpu}"
            )
            yield Verdict(NAME, node.name, Severity.WRONG, message)
