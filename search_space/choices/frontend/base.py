"""Lowering choices inside a toolchain.

They change what it makes of a model, before any pass.
"""

from __future__ import annotations

from search_space.choices.base import RecipeChoice

#: Pairs (choice, alternative), sorted: how the toolchain is to lower a model.
Setting = tuple[tuple[str, str], ...]


class SettingChoice(RecipeChoice):
    """A lowering choice that is taken inside a toolchain: each of its alternatives makes another base program."""


class FrontendChoice(SettingChoice):
    """Name, alternatives and laws of a choice that ExecuTorch's lowering for Ethos-U takes.

    They are known here without ExecuTorch. The file of the same name in `workers/ethos_u/lowering/frontend` holds what
    an alternative does.
    """


class QuantiserChoice(FrontendChoice):
    """Taken when the model is quantised, before it is lowered.

    So its outputs are never the default's bit for bit.
    """
