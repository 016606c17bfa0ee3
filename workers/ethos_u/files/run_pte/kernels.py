"""The kernels that a `.pte` calls on the CPU, done by PyTorch's operators of the same name.

ExecuTorch's portable kernels do the same arithmetic in single precision. On a target, a last bit may differ. The causes
are C library functions such as exp and tanh, and the order of long float sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import ModelError, one_line
from workers.ethos_u.files.run_pte.primitives import PRIMITIVES, Kernel
from workers.ethos_u.files.run_pte.values import Values
from workers.models.exported.operator_registries import definitions

if TYPE_CHECKING:
    from torch._ops import OpOverload

#: Where ExecuTorch's wheel lists the kernels of its libraries.
_LISTS = (
    "kernels/portable/functions.yaml", "kernels/portable/custom_ops.yaml", "kernels/quantized/quantized.yaml",
    "backends/cortex_m/ops/operators.yaml",
)  # fmt: skip
_LISTED = re.compile(r"^- (?:op|func): ([\w:.]+)", re.MULTILINE)


@cache
def kernel(name: str) -> Kernel:
    """The kernel that ExecuTorch's runtime knows under a name, as in `aten::add.out`.

    Raises ModelError if ExecuTorch's libraries have no such kernel, or PyTorch no such operator.
    """
    if name in PRIMITIVES:
        return PRIMITIVES[name]
    # A file may name any operator of PyTorch, such as ones that read files.
    if name not in _listed():
        raise ModelError(f"its operator {name} is none of ExecuTorch's kernels")
    found = _operator(name)
    return lambda values, arguments: _call(name, found, values, arguments)


def without_kernel(names: Iterable[str]) -> list[str]:
    """Those of some operators that ExecuTorch's libraries have no kernel for; names as of `kernel`."""
    return sorted({name for name in names if name not in PRIMITIVES and name not in _listed()})


@cache
def _listed() -> frozenset[str]:
    spec = find_spec("executorch")
    assert spec is not None and spec.submodule_search_locations is not None  # who deserialised the file has it
    folder = Path(next(iter(spec.submodule_search_locations)))
    names = {name for part in _LISTS for name in _LISTED.findall((folder / part).read_text(encoding="utf-8"))}
    return frozenset(name if "::" in name else f"aten::{name}" for name in names)


def _operator(name: str) -> OpOverload:
    import torch

    namespace, _, rest = name.partition("::")
    base, _, overload = rest.partition(".")
    if namespace in ("quantized_decomposed", "cortex_m"):
        # Of ExecuTorch's own operators PyTorch has no `out` variant, or ExecuTorch's C++, which ends the process where
        # it does not like its arguments.
        overload = overload.removesuffix("out").rstrip("_").lower()
    for found in definitions(namespace, base, overload or "default"):
        if torch._C._dispatch_has_computed_kernel_for_dispatch_key(found.name(), "CPU"):
            return found
    raise ModelError(f"its operator {name} is not known to PyTorch")


def _call(name: str, found: OpOverload, values: Values, arguments: Sequence[int]) -> None:
    import torch

    schema = found._schema.arguments
    places = dict(zip((one.name for one in schema), arguments, strict=False))
    if len(places) < len(schema):
        raise ModelError(f"damaged, {name} is called with {len(arguments)} arguments")
    positional, named, outs = [], {}, {}
    for one in schema:
        place = places[one.name]
        if one.is_out:
            # The plan may have laid the output over an input that is still being read.
            fresh = [torch.empty(0, dtype=tensor.dtype) for tensor in values.tensors(place)]
            outs[one.name] = fresh if isinstance(one.type, torch.ListType) else fresh[0]
        elif one.kwarg_only:
            named[one.name] = values.read(place)
        else:
            positional.append(values.read(place))
    try:
        with torch.no_grad():
            result = found(*positional, **named, **outs)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        raise ModelError(f"its operator {name} fails, {one_line(error)}") from error
    for argument, tensor in outs.items():
        values.write(places[argument], tensor)
    if not outs:
        values.write(arguments[-1], result)
