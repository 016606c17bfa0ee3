"""Every propagation rule, by operator."""

from __future__ import annotations

from search_space.layout.rules import concat, elementwise, gathers, reductions, rescale, slices, windows
from search_space.layout.rules.base import Law

LAWS: dict[str, Law] = {
    **concat.LAWS, **elementwise.LAWS, **gathers.LAWS, **reductions.LAWS, **rescale.LAWS, **slices.LAWS,
    **windows.LAWS,
}  # fmt: skip
