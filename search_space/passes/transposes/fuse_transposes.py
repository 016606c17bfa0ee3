"""Fusion of chains of transposes and reshapes into one layout map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from search_space.ir.editor import Editor
from search_space.layout.composition import compose
from search_space.passes.base import Pass


@dataclass(frozen=True)
class FuseTransposes(Pass):
    """Fuses consecutive transposes and reshapes, and removes those that cancel.

    Source: composition of permutations; rewrites 1, 2, 3 and 5 of ExecuTorch pull request #18167. These are all
    compositions: a reshape between transposes, a permute from NCHW to NHWC that moves nothing, a pair that cancels.
    """

    name: ClassVar[str] = "fuse-transposes"
    law: ClassVar[str] = "one layout map after another is their composition; the identity map is its operand"

    def rewrite(self, edit: Editor, node_id: int) -> bool:
        return compose(edit, node_id)
