"""The message for a model that the store has no result for."""

from __future__ import annotations

from results.records.identity import Identity
from results.store.store import Store
from workers.backend.job import Job


def nothing_known(store: Store, identity: Identity, job: Job, how: str) -> str:
    """What a command prints where it finds no result.

    Args:
        store: was asked.
        identity: of the model on its target.
        job: names the model and target as the user did.
        how: the command that changes it.

    Returns:
        One line.
    """
    text = f"nothing is known of {identity.model_name} on {job.target.label}"
    if changed := changes_since(store, identity):
        text += f" as it is now: {changed}"
    return f"{text}; run: {how}"


def changes_since(store: Store, identity: Identity) -> str:
    """Why a model that was tuned before is not known now.

    Args:
        store: holds what was registered under the model's name.
        identity: of the model as it is now.

    Returns:
        One line if the name is known with another content; empty for any other model.
    """
    known = store.identities.hashes_named(identity.model_name)
    if not known or identity.model_hash in known:
        return ""
    return "its graph, weights, inputs or their layout have changed since it was tuned (if random, seed them)"
