"""What ExecuTorch can write for the CPU: operators with a variant that is given the output to fill."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from workers.models.exported.operator_registries import definitions
from workers.vulkan.lowering.quiet_toolchain import quiet_toolchain

if TYPE_CHECKING:
    from workers.vulkan.lowering.lowered import Lowered


@cache
def has_out_variant(operator: str) -> bool:
    """Look for the variant of an operator that is given the output to fill.

    Args:
        operator: such as `aten.mul.Tensor`.

    Returns:
        Whether a file may have it on the CPU. What is no operator of PyTorch's may be there.
    """
    from executorch.exir.dialects.edge.op.api import SchemaKind, to_variant

    parts = operator.split(".")
    if len(parts) != 3:
        return True
    with quiet_toolchain():
        importlib.import_module("executorch.kernels.quantized")  # has those of quantise and dequantise
        found = next(definitions(*parts), None)
        if found is None or not found._schema.returns:  # what only checks is left out of a file
            return True
        try:
            return bool(to_variant(found, SchemaKind.out))
        except (RuntimeError, AssertionError):  # there is none, or it is of no form that ExecuTorch reads
            return False


def unwritable(lowered: Lowered) -> tuple[str, ...]:
    """Why ExecuTorch cannot write a program.

    Args:
        lowered: any program.

    Returns:
        One line for each kind of operator on the CPU without such a variant.
    """
    names = dict.fromkeys(one.operator for one in lowered.host_operators)
    return tuple(
        f"{name} stays on the CPU, and ExecuTorch cannot write it: it has no out variant"
        for name in names
        if not has_out_variant(name)
    )
