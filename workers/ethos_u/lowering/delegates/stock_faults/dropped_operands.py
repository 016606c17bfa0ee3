"""Operands of a concatenation that ExecuTorch drops.

ExecuTorch 1.5.1 moves a permutation from the result of torch.cat to its operands. It does where their values keep
their order. The step that moves it takes each operand once
(backends/transforms/propagate_view_copy_permute_pass.py). Of cat([x, x]) it makes cat([x]).

Either a later step stops at the missing values, or the program has fewer. The TOSA reference model can crash on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from workers.models.error_place import line_of

if TYPE_CHECKING:
    from torch.fx import Node


#: What happens in the places, and what to write instead.
TAKEN_ONCE = (
    "torch.cat or torch.stack of the same tensor several times takes it once ({}); repeat the tensor by `repeat` "
    "instead"
)


@contextmanager
def dropped_operands() -> Iterator[list[str]]:
    """Gets, inside the block, the places in the user's model where torch.cat loses operands.

    One thread of a process at a time.

    Yields:
        Places as of `workers.models.error_place.line_of`, in the order in which they are found.
    """
    from executorch.backends.transforms.propagate_view_copy_permute_pass import PropagateViewCopyPermuteUpPass

    found: list[str] = []
    stock = PropagateViewCopyPermuteUpPass._maybe_split_upwards_cat_fanout

    def split(self: Any, node: Node, next_node: Node) -> bool:
        place, given = line_of(next_node), _operands(next_node)
        done = stock(self, node, next_node)
        if done and _operands(next_node) < given:
            found.append(place)
        return done

    with patch.object(PropagateViewCopyPermuteUpPass, "_maybe_split_upwards_cat_fanout", split):
        yield found


def _operands(node: Node) -> int:
    """Of torch.cat; those of other operators are of no account."""
    given = node.args[0] if node.args else ()
    return len(given) if isinstance(given, (list, tuple)) else 0
