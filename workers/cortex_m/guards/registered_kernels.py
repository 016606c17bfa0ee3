"""Operators that stay in float and have no portable kernel: the runtime refuses to load the file.

ExecuTorch's lowering for Cortex-M keeps `linear`, `silu`, `hardswish` and `hardsigmoid` whole, to quantise them. One
that stays in float ends in the file. The portable kernels have only what it would be decomposed into.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from torch.export import ExportedProgram

from workers.cortex_m.cost.view import operator_calls
from workers.cortex_m.guards.verdict import Severity, Verdict

NAME = "registered-kernels"

#: Namespaces of ExecuTorch's portable kernels; those of its backends register their own.
_PORTABLE = ("aten::", "dim_order_ops::")


def check(program: ExportedProgram) -> Iterator[Verdict]:
    """A verdict on every operator of a lowered program that the portable kernels do not have."""
    nodes = {node.name: node for node in program.graph.nodes}
    for one in operator_calls(program):
        schema = getattr(nodes[one.node].target, "_schema", None)
        name = schema.name if schema is not None else ""
        if name.startswith(_PORTABLE) and name not in _registered():
            message = f"{one.node}: {name} stays in float, and ExecuTorch has no portable kernel of it"
            yield Verdict(NAME, one.node, Severity.FAILS, message)


@cache
def _registered() -> frozenset[str]:
    """Operators with a portable kernel, without overloads, as in `aten::addmm`."""
    import yaml  # type: ignore[import-untyped]

    text = files("executorch").joinpath("kernels/portable/functions.yaml").read_text(encoding="utf-8")
    named = (str(one.get("op") or one["func"].partition("(")[0]) for one in yaml.safe_load(text))
    return frozenset((name if "::" in name else f"aten::{name}").rpartition(".")[0] for name in named)
