"""The table of the formulas' errors on docs/cortex-m.md, which `benchmarks.cortex_m.costs` writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.markdown import row
from workers.cortex_m.target import InstructionSet

PAGE = Path(__file__).parents[2] / "docs" / "cortex-m.md"
_MARKED = re.compile(r"(?<=<!-- errors -->\n).*?(?=<!-- /errors -->)", re.DOTALL)


def with_errors(page: str, fitted: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with a table of errors, the largest first.

    Args:
        page: text of the page, with the lines `<!-- errors -->` and `<!-- /errors -->`.
        fitted: what `fitted.json` holds, by class of processors.

    Returns:
        Its new text.
    """
    kinds = [one.value for one in InstructionSet]
    errors = {kind: fitted[kind]["errors"] for kind in kinds}
    names = {name for kind in kinds for name in errors[kind]}
    worst = {name: max(errors[kind][name]["p95"] for kind in kinds if name in errors[kind]) for name in names}
    columns = [f"{kind.upper()}: {what}" for kind in kinds for what in ("rows", "median, %", "95 %, %")]
    lines = list(row("formula", *columns, header=True))
    for name in sorted(names, key=lambda one: (-worst[one], one)):
        found = [errors[kind].get(name, {}) for kind in kinds]
        cells = [f"{one[what]}" if one else "" for one in found for what in ("rows", "median", "p95")]
        lines += row(f"`{name}`", *cells)
    return _MARKED.sub(lambda _: "\n".join(lines) + "\n", page)
