"""Parameters and buffers that no operator of a lowered program reads."""

from __future__ import annotations

from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node

from workers.cortex_m.lowering.copied import copied


def without_unused_constants(program: ExportedProgram) -> ExportedProgram:
    """A lowered program without them. The one that is given stays as it is."""
    smaller = copied(program)
    unused = {node.name: node for node in _unused(smaller)}
    signature = smaller.graph_signature
    kept = [spec for spec in signature.input_specs if spec.arg.name not in unused]
    targets = {spec.target for spec in signature.input_specs} - {spec.target for spec in kept}
    signature.input_specs = kept
    for target in targets:
        smaller.state_dict.pop(target, None)
        smaller.constants.pop(target, None)
    for node in unused.values():
        smaller.graph.erase_node(node)
    smaller.graph_module.recompile()
    return smaller


def _unused(program: ExportedProgram) -> list[Node]:
    specs = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind is not InputKind.USER_INPUT}
    return [node for node in program.graph.nodes if node.op == "placeholder" and node.name in specs and not node.users]
