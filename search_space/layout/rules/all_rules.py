"""Every propagation rule, by operator."""

from __future__ import annotations

from search_space.layout.rules import concat, elementwise, gathers, reductions, rescale, slices, windows
from search_space.layout.rules.base import PropagationRule

RULES: dict[str, PropagationRule] = {
    **concat.RULES, **elementwise.RULES, **gathers.RULES, **reductions.RULES, **rescale.RULES, **slices.RULES,
    **windows.RULES,
}  # fmt: skip
