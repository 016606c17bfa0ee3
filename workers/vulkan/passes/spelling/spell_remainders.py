"""Remainders of integers that have the sign of the divisor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from search_space.exactness import Exactness
from workers.vulkan.passes.base import ModuleRewrite, When
from workers.vulkan.passes.editing import replacing

if TYPE_CHECKING:
    from torch.fx import GraphModule, Node

#: Twice such a divisor is still an integer of 32 bits.
_MOST = 1 << 30


@dataclass(frozen=True)
class SpellRemainders(ModuleRewrite):
    """ExecuTorch's kernel on the CPU is that of C, as its `fmod` is: the sign is the dividend's."""

    name: ClassVar[str] = "spell-remainders"
    law: ClassVar[str] = "x % y is fmod(fmod(x, y) + y, y), for integers whose divisors have less than 30 bits"
    exactness: ClassVar[Exactness] = Exactness.EXACT
    when: ClassVar[When] = When.FLOAT
    mends: ClassVar[frozenset[str]] = frozenset({"integer-remainders"})

    def fits(self, module: GraphModule, node: Node) -> bool:
        import torch

        remainders = torch.ops.aten.remainder
        if node.target not in (remainders.Scalar, remainders.Tensor):
            return False
        divisor: Any = node.args[1]
        value = node.meta.get("val")
        is_small = not isinstance(divisor, (int, float)) or abs(divisor) < _MOST
        return is_small and value is not None and value.dtype in (torch.int32, torch.int64)

    def rewrite(self, module: GraphModule, node: Node) -> None:
        import torch

        aten, (dividend, divisor) = torch.ops.aten, node.args
        is_scalar = node.target == aten.remainder.Scalar
        fmod, add = (aten.fmod.Scalar, aten.add.Scalar) if is_scalar else (aten.fmod.Tensor, aten.add.Tensor)
        with replacing(module, node) as made:
            of_c = made.call(fmod, dividend, divisor)
            made.call(fmod, made.call(add, of_c, divisor), divisor)
