"""Parameters and buffers that no operator reads are left out of the file. ExecuTorch 1.5.1 leaves out parameters alone,
and what it quantised from are buffers."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workers.cortex_m.passes.base import CortexMPass
from workers.cortex_m.passes.kernel_nodes import unused_constants

if TYPE_CHECKING:
    from torch.export import ExportedProgram


@dataclass(frozen=True)
class DropUnusedConstants(CortexMPass):
    """Applied to the lowered program, after all rewrites."""

    name: ClassVar[str] = "drop-unused-constants"
    law: ClassVar[str] = "no operator reads them"


def without_unused_constants(program: ExportedProgram) -> ExportedProgram:
    """A lowered program without them. The one that is given stays as it is."""
    smaller = copy.deepcopy(program)
    unused = {node.name: node for node in unused_constants(smaller)}
    signature = copy.deepcopy(smaller.graph_signature)
    kept = [spec for spec in signature.input_specs if spec.arg.name not in unused]
    targets = {spec.target for spec in signature.input_specs} - {spec.target for spec in kept}
    signature.input_specs = kept
    for target in targets:
        smaller.state_dict.pop(target, None)
        smaller.constants.pop(target, None)
    for node in unused.values():
        smaller.graph.erase_node(node)
    smaller._graph_signature = signature
    smaller.graph_module.recompile()
    return smaller
