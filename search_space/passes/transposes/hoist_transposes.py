"""Propagation of transposes and reshapes towards the inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.composition import compose
from search_space.layout.propagation import Conditions, hoist
from search_space.layout.rules.all_rules import RULES
from search_space.passes.base import Pass

_CONDITIONS = Conditions(mixed=True)


@dataclass(frozen=True)
class HoistTransposes(Pass):
    """Applies all `through-` passes upwards at once, with `fuse-transposes`."""

    name: ClassVar[str] = "hoist-transposes"
    law: ClassVar[str] = (
        "a map of a result is a map of the operands, where it keeps apart what the operator keeps apart"
    )

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return compose(edit, node_id) or hoist(edit, node_id, RULES, _CONDITIONS)
