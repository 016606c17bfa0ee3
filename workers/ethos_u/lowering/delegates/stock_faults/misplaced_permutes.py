"""Permutations that ExecuTorch puts on the wrong operand.

ExecuTorch 1.5.1 moves a permutation from the result of an elementwise operator to the operand whose layout matters. The
step that moves it takes the first operand (backends/transforms/propagate_view_copy_permute_pass.py). Where that is a
constant of one element, as in 1 - x, the permutation gets lost. The result keeps the order of dimensions of x in
memory. The shapes of the `.pte` do not say so.
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
ORDER_LOST = (
    "the order of dimensions is lost where a constant is the first operand ({}); make it the second one, such as "
    "-x + 1 instead of 1 - x"
)


@contextmanager
def misplaced_permutes() -> Iterator[list[str]]:
    """Gets, inside the block, the places in the user's model whose results lose their order of dimensions.

    One thread of a process at a time.

    Yields:
        Places as of `workers.models.error_place.line_of`, in the order in which they are found.
    """
    from executorch.backends.transforms.fuse_identical_input_transforms_pass import FuseIdenticalInputTransformsPass
    from executorch.backends.transforms.propagate_view_copy_permute_pass import PropagateViewCopyPermuteUpPass

    found: list[str] = []
    stock = PropagateViewCopyPermuteUpPass._move_node

    def move_node(self: Any, node: Node, frontier: Node, previous_frontier: Node) -> None:
        operands = [] if frontier.op == "placeholder" else frontier.all_input_nodes
        if node.target in self._permute_targets and len(operands) > 1:
            rank = len(frontier.meta["val"].shape)
            if FuseIdenticalInputTransformsPass.is_layout_invariant(operands[0], rank):
                found.append(line_of(frontier))
        stock(self, node, frontier, previous_frontier)

    with patch.object(PropagateViewCopyPermuteUpPass, "_move_node", move_node):
        yield found
