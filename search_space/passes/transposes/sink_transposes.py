"""Propagation of transposes and reshapes towards the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.composition import compose
from search_space.layout.propagation import Conditions, sink
from search_space.layout.rules.all_rules import RULES
from search_space.layout.slice_of_concat import slice_before_concat
from search_space.layout.slice_parts import slice_along_factor
from search_space.passes.base import Pass

_CONDITIONS = Conditions(shared=True, mixed=True)


@dataclass(frozen=True)
class SinkTransposes(Pass):
    """Applies all `through-` passes at once, with `fuse-transposes`.

    A map that several operators read is moved after each of them. So more is moved until the maps meet.
    `minimise-transposed-bytes` takes back those that met no other map.
    """

    name: ClassVar[str] = "sink-transposes"
    law: ClassVar[str] = "a map may pass every operator that keeps its dimensions apart; consecutive maps are composed"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        if compose(edit, node_id) or slice_along_factor(edit, node_id) or slice_before_concat(edit, node_id):
            return True
        return sink(edit, node_id, RULES, _CONDITIONS)
