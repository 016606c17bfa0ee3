"""What depends on no input is computed once, at lowering, instead of in every inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workers.cortex_m.cost.reading.nodes import operator_of
from workers.cortex_m.cost.view import ELIDED
from workers.cortex_m.passes.base import Program, Rewrite
from workers.cortex_m.passes.kernel_nodes import constant, new_constant

if TYPE_CHECKING:
    import torch
    from torch.fx import Node

#: They fill memory with one number in few instructions, and a constant would make the file grow by all of it.
_FILLS = frozenset({"full", "full_like", "zeros", "ones", "empty"})


@dataclass(frozen=True)
class ConstantFolding(Rewrite):
    """Every value that operators compute from constants alone, and that another operator reads. It becomes a constant
    of the file, as the kernels compute it. A fill alone stays an operator."""

    name: ClassVar[str] = "constant-folding"
    law: ClassVar[str] = "operators without state compute the same value of the same constants in every inference"

    def fits(self, program: Program, node: Node) -> bool:
        return node in self.sites(program)

    def sites(self, program: Program) -> list[Node]:
        known = _constants(program)
        computed = [node for node in known if node.op == "call_function"]
        return [node for node in computed if _is_last(node, known) and _is_worth_it(node)]

    def rewrite(self, program: Program, node: Node) -> None:
        # Compute all that it depends on.
        import torch

        # It needs torch as well, which commands that only name passes do not load.
        from workers.cortex_m.check.kernel_operators import computed_by_kernel

        values: dict[Node, Any] = {}
        needed = _needed(node)
        with torch.no_grad():
            for one in program.module.graph.nodes:
                if one not in needed:
                    continue
                if one.op != "call_function":
                    values[one] = constant(program, one)
                    continue
                args, kwargs = torch.fx.node.map_arg((one.args, one.kwargs), lambda of: values[of])
                values[one] = computed_by_kernel(one.target, args, kwargs, program.instruction_set)
        node.replace_all_uses_with(new_constant(program, f"{node.name}_folded", values[node], near=None))


def _constants(program: Program) -> dict[Node, None]:
    """Parameters and the like, and operators without state that read nothing else, in program order."""
    from executorch.backends.transforms.utils import is_param_node

    written = set(program.exported.graph_signature.buffers_to_mutate.values())
    buffers = program.exported.graph_signature.inputs_to_buffers
    found: dict[Node, None] = {}
    for node in program.module.graph.nodes:
        if node.op == "call_function":
            # Buffers for scratch have no schema, and elements of tuples are taken by Python.
            is_operator = hasattr(node.target, "_schema") or operator_of(node) == "getitem"
            is_known = is_operator and not node.is_impure() and all(one in found for one in node.all_input_nodes)
        else:
            is_known = is_param_node(program.exported, node) and buffers.get(node.name) not in written
        if is_known:
            found[node] = None
    return found


def _is_last(node: Node, known: dict[Node, None]) -> bool:
    """Whether a constant value is one contiguous tensor that operators with other operands read."""
    value: torch.Tensor = node.meta["val"]
    if any(user.op == "output" for user in node.users) or all(user in known for user in node.users):
        return False
    return not isinstance(value, tuple | list) and value.dim_order() == tuple(range(value.dim()))


def _is_worth_it(node: Node) -> bool:
    """Whether instructions of the file go away, other than a fill."""
    kinds = {operator_of(one) for one in _needed(node) if one.op == "call_function"}
    return bool(kinds - ELIDED - _FILLS)


def _needed(node: Node) -> set[Node]:
    """A node, and all that it is computed from."""
    found, open_ones = {node}, [node]
    while open_ones:
        more = set(open_ones.pop().all_input_nodes) - found
        found |= more
        open_ones += more
    return found
