"""Which modules tell PyTorch of operators that are not its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from workers.output_capture import toolchain_hushed

if TYPE_CHECKING:
    from torch._ops import OpOverload

#: By namespace, in the order in which they are to be imported until the operator is known: the last ones take seconds.
_REGISTERED_BY = {
    "quantized_decomposed": (
        "torch.ao.quantization.fx._decomposed", "executorch.exir.passes._quant_patterns_and_replacements",
    ),
    "torchao": ("torchao.quantization.quant_primitives",),
    "dim_order_ops": ("executorch.exir.passes.dim_order_ops_registry",),
    "cortex_m": ("executorch.backends.cortex_m.ops.operators",),
}  # fmt: skip


def definitions(namespace: str, name: str, overload: str) -> Iterator[OpOverload]:
    """An operator as PyTorch knows it, then again after each module that may say more of it. Nothing while it is not
    known.

    Args:
        namespace: such as `aten`.
        name: of the operator.
        overload: `default` for the one without a name.

    Yields:
        The operator.
    """
    import torch

    for module in (None, *_REGISTERED_BY.get(namespace, ())):
        if module is not None:
            with toolchain_hushed():
                import_module(module)
        found = getattr(getattr(getattr(torch.ops, namespace), name, None), overload, None)
        if found is not None:
            yield found


def register(operators: Iterable[str]) -> None:
    """Let PyTorch know operators, as in `torch.ops.dim_order_ops._to_dim_order_copy.default`. Others are left out."""
    for operator in operators:
        parts = operator.split(".")
        if parts[:2] == ["torch", "ops"] and len(parts) == 5:
            next(definitions(*parts[2:]), None)
