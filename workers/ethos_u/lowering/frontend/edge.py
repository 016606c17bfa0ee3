"""Where ExecuTorch can be made to partition another program: the edge program just before the partitioner sees it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from executorch.backends.arm.tosa.specification import TosaSpecification
    from torch.export import ExportedProgram
    from torch.fx import Node

#: Changes the exported program of a method, which is going to be partitioned for a specification.
Rewrite = Callable[["ExportedProgram", "TosaSpecification"], None]


@contextmanager
def before_partitioning(rewrite: Rewrite, check: Callable[[ExportedProgram], None] | None = None) -> Iterator[None]:
    """Inside the block, edge programs that this thread hands an Arm partitioner are rewritten before, in place.

    Args:
        rewrite: changes the exported program of a method, which comes with the partitioner's specification.
        check: gets what ExecuTorch then makes of it, and raises if that is not what was meant; None checks nothing.

    Yields:
        Nothing.
    """
    from executorch.backends.arm.tosa.partitioner import TOSAPartitioner
    from executorch.exir import EdgeProgramManager

    stock, this_thread = EdgeProgramManager.to_backend, threading.get_ident()

    def to_backend(self: EdgeProgramManager, partitioner: Any) -> EdgeProgramManager:
        if threading.get_ident() == this_thread:
            for method in self.methods:
                one = partitioner.get(method) if isinstance(partitioner, dict) else partitioner
                if isinstance(one, TOSAPartitioner):
                    rewrite(self.exported_program(method), one.tosa_spec)
        lowered = stock(self, partitioner)
        if check is not None and threading.get_ident() == this_thread:
            for method in lowered.methods:
                check(lowered.exported_program(method))
        return lowered

    with patch.object(EdgeProgramManager, "to_backend", to_backend):
        yield


def short_name(node: Node) -> str:
    """Of the operator that a node calls, without namespace and overload; empty if it calls none."""
    if node.op != "call_function":
        return ""
    parts = str(getattr(node.target, "_op", node.target)).split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def quantises(node: Node) -> bool:
    """To int8, by one scale."""
    return short_name(node) == "quantize_per_tensor" and _is_int8(node)


def dequantises(node: Node) -> bool:
    """From int8, by one scale."""
    return short_name(node) == "dequantize_per_tensor" and _is_int8(node)


def _is_int8(node: Node) -> bool:
    """Both operators are called as (value, scale, zero point, lowest, highest, type)."""
    import torch

    return node.args[5] == torch.int8


def runs_on_host(node: Node) -> bool:
    """Whether ExecuTorch leaves an operator between dequantise and quantise on the CPU.

    Its quantiser did not mark it then.
    """
    from executorch.backends.arm.operator_support.tosa_supported_operators import is_quantized

    return not is_quantized(node)


def is_constant(program: ExportedProgram, node: Node) -> bool:
    """Whether a value is the same in every run.

    Args:
        program: that the node is of.
        node: any.

    Returns:
        Whether the node is a parameter, buffer or constant that the program does not change.
    """
    from executorch.backends.arm._passes.arm_pass_utils import is_param_node

    signature = program.graph_signature
    changed = set(signature.buffers_to_mutate.values())
    return is_param_node(program, node) and signature.inputs_to_buffers.get(node.name) not in changed
