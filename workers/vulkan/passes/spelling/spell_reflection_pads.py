"""Reflection and replication padding as a concatenation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import Replacement, replacing

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
        image: Any = node.args[0] if node.args else None
        if not _mode(node) or "val" not in image.meta:
            return False
        pads: Any = node.args[1]
        return min(pads) >= 0 and any(pads)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        pads: Any = node.args[1]
        image: Any = node.args[0]
        shape, reflects = image.meta["val"].shape, _mode(node) == "reflect"
        with replacing(module, node) as made:
            # The last dimension comes first among the pads.
            for dim, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True), 1):
                if before or after:
                    last = int(shape[-dim]) - 1
                    first_places = range(before, 0, -1) if reflects else [0] * before
                    last_places = range(last - 1, last - 1 - after, -1) if reflects else [last] * after
                    image = _padded(made, image, len(shape) - dim, first_places, last_places)


def _mode(node: Node) -> str:
    import torch

    if node.target == torch.ops.aten.pad.default:
        return next((one for one in ("reflect", "replicate") if one in node.args[2:]), "")
    return _MODES.get(str(node.target), "")


def _padded(made: Replacement, image: Node, dim: int, before: Iterable[int], after: Iterable[int]) -> Node:
    import torch

    aten, columns = torch.ops.aten, dict[int, Any]()

    def column(place: int) -> Any:
        if place not in columns:
            columns[place] = made.call(aten.slice.Tensor, image, dim, place, place + 1)
        return columns[place]

    return made.call(aten.cat.default, [*map(column, before), image, *map(column, after)], dim)
