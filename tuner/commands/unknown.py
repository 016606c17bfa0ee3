"""What to say of a model that the store knows nothing of."""

from __future__ import annotations

import shlex

import click
from click.core import ParameterSource

from results.records import Identity
from results.store import Store
from workers.target import Target

#: Options that decide what is asked for, and where.
_DECIDING = (
    "target", "system_config", "memory_mode", "vela_config", "seed", "calibration_data", "io_layout", "store_url",
)  # fmt: skip


def nothing_known(store: Store, identity: Identity, board: Target) -> str:
    """One line, with the command that changes it."""
    text = f"nothing is known of {identity.model_name} on {board.label}"
    if changed := changes_since(store, identity):
        text += f" as it is now: {changed}"
    return f"{text}; run: {_how_to_tune(identity.model_name)}"


def changes_since(store: Store, identity: Identity) -> str:
    """What became of a model whose name is known with another content; empty for any other."""
    known = store.hashes_named(identity.model_name)
    if not known or identity.model_hash in known:
        return ""
    return "its graph, weights, inputs or their layout have changed since it was tuned (if random, seed them)"


def _how_to_tune(model: str) -> str:
    """The `velatune tune` for the model and options that the running command was given."""
    context = click.get_current_context()
    words = ["velatune", "tune", model]
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in _DECIDING:
            words += [parameter.opts[0], str(context.params[parameter.name])]
    return shlex.join(words)
