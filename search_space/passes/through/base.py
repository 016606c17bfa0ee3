"""The base class of passes that move maps through one kind of operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.propagation import Rules, hoist, sink
from search_space.passes.base import Pass


@dataclass(frozen=True)
class Through(Pass):
    """Moves maps through operators. A subclass sets `rules` beside what every pass sets.

    Attributes:
        rules: propagation rules of the operators that maps move through.
        up: move maps from the result to the operands instead of from the operands to the result.
    """

    rules: ClassVar[Rules]

    up: bool = False

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return (hoist if self.up else sink)(edit, node_id, self.rules)
