"""Branches that the values decide."""

from __future__ import annotations

TEMPLATES: dict[int, list[tuple[str, str]]] = {
    -1: [
        ("", "torch.cond({x}.mean() > 0, lambda one: one * 2, lambda one: one + 1, ({x},))"),
        ("", "torch.cond({x}.sum() > 0, lambda one: torch.relu(one), lambda one: torch.sigmoid(one), ({x},))"),
        (
            "self.{L} = nn.Linear({last}, {last})\nself.{M} = nn.Linear({last}, {last})",
            "torch.cond({x}.amax() > 0.5, lambda one: self.{L}(one), lambda one: self.{M}(one), ({x},))",
        ),
        ("", "torch.where({x}.mean() > 0, {x}, -{x})"),
        ("self.{L} = nn.Linear({last}, {last})", "torch.where({x}.amax() > 0, self.{L}({x}), {x})"),
    ],
}
