"""Reflection and replication padding as a concatenation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.spelling.pads import Slice, concatenate_pads, is_widened

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: By operators of programs that were decomposed; others are `aten.pad` and name their mode.
_MODES = {
    **{f"aten.reflection_pad{rank}d.default": "reflect" for rank in (1, 2, 3)},
    **{f"aten.replication_pad{rank}d.default": "replicate" for rank in (1, 2, 3)},
}


@dataclass(frozen=True)
class SpellReflectionPads(ModuleRewrite):
    """ExecuTorch looks up the places of a padded dimension. The runtime looks up those of the first dimension alone.
    Places of a reflection are absolute values of integers besides, which stay on the CPU.
    """

    name: ClassVar[str] = "spell-reflection-pads"
    law: ClassVar[str] = "padding by what is near an edge is slices of one place, with the tensor between them"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    removes: ClassVar[frozenset[str]] = frozenset({"aten.abs.default"})
    mends: ClassVar[frozenset[str]] = frozenset({"index-places"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        return bool(_mode(node)) and is_widened(node)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        concatenate_pads(module, node, _reflected if _mode(node) == "reflect" else _replicated)


def _mode(node: Node) -> str:
    import torch

    if node.target == torch.ops.aten.pad.default:
        return next((one for one in ("reflect", "replicate") if one in node.args[2:]), "")
    return _MODES.get(str(node.target), "")


def _reflected(extent: int, before: int, after: int) -> tuple[list[Slice], list[Slice]]:
    last = extent - 1
    return _single(range(before, 0, -1)), _single(range(last - 1, last - 1 - after, -1))


def _replicated(extent: int, before: int, after: int) -> tuple[list[Slice], list[Slice]]:
    return _single([0] * before), _single([extent - 1] * after)


def _single(places: Iterable[int]) -> list[Slice]:
    return [(place, place + 1) for place in places]
