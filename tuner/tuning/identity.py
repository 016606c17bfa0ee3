"""The identity of a result: what two equal results share, from a base program and a target."""

from __future__ import annotations

from dataclasses import asdict

from results.records.identity import Identity, Structure, Target
from search_space.recipe.extensions import extension_versions
from search_space.recipe.space import SPACE_VERSION
from tuner.tuning.objective import Objective
from workers.backend.base import Base, Identified
from workers.backend.target import Target as BoardTarget


def identity_of(model: Identified, target: BoardTarget, objective: Objective) -> Identity:
    """The identity under which evaluations of a model are stored; with its structure if it is lowered.

    Args:
        model: a model that was loaded, or its base program.
        target: the board.
        objective: what is minimised, and the limits.

    Returns:
        The identity.
    """
    structure = Structure(**asdict(model.structure)) if isinstance(model, Base) else None
    return Identity(
        model_hash=model.model_hash,
        model_name=model.name,
        io_layout=model.io_layout,
        target=target_record(target),
        quantisation=model.quantisation,
        versions=with_extensions(model.versions),
        search_space_version=SPACE_VERSION,
        objective=objective.on(target.backend).facts(),
        structure=structure,
    )


def target_record(target: BoardTarget) -> Target:
    """A target as the store knows it."""
    return Target(target.backend, target.name, target.facts())


def with_extensions(versions: dict[str, str]) -> dict[str, str]:
    """A toolchain's versions, with those of the distributions that passes and choices of others come from."""
    return {**versions, **extension_versions()}
