"""A rewrite as a pass class that ExecuTorch's pass manager builds and runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workers.cortex_m.lowering.candidate import Insertion, lower
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.target import Target

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import GraphModule


def insertions(rewrites: Sequence[Rewrite]) -> tuple[list[Insertion], dict[str, list[str]]]:
    """The pass classes of rewrites, with their places in ExecuTorch's list.

    Returns:
        Insertions in the order of the rewrites, and a mapping that a run fills: rewrite as written -> the names of its
        sites.
    """
    found: dict[str, list[str]] = {}
    placed = [Insertion(_pass_class(one, found), one.before) for one in rewrites]
    if any(one.before is None for one in rewrites):
        # Runs again to find the sizes of scratch buffers, for kernels that rewrites replaced.
        from executorch.backends.cortex_m.passes import AtenToCortexMPass

        placed.append(Insertion(AtenToCortexMPass, None))
    return placed, found


def lowered_with(
    edge: ExportedProgram,
    target: Target,
    rewrites: Sequence[Rewrite],
    without: Sequence[str] = (),
    explicit_layout: bool = True,
) -> tuple[ExportedProgram, dict[str, list[str]]]:
    """A program lowered with rewrites.

    Returns:
        The lowered program, and rewrite as written -> the names of all its sites.

    Raises:
        ModelError: as `lower`.
    """
    placed, found = insertions(rewrites)
    return lower(edge, target, placed, without, explicit_layout), found


def _pass_class(rewrite: Rewrite, found: dict[str, list[str]]) -> type[Any]:
    from executorch.exir.pass_base import ExportPass, PassResult

    class Inserted(ExportPass):
        def __init__(self, exported_program: ExportedProgram, target_config: Any) -> None:
            super().__init__()
            self._exported, self._config = exported_program, target_config

        def call(self, graph_module: GraphModule) -> PassResult:
            names = rewrite.apply(Program(graph_module, self._exported, self._config))
            found[str(rewrite)] = names
            return PassResult(super().call(graph_module).graph_module if names else graph_module, bool(names))

    Inserted.__name__ = Inserted.__qualname__ = f"Inserted[{rewrite}]"
    return Inserted
