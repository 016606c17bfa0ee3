"""What makes two results the same, read off a base program and a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from results.records.identity import Identity, Structure, Target, Versions
from search_space.recipe.space import SPACE_VERSION
from tuner.tuning.objective import Objective
from workers.ethos_u.lowering.base_program import BaseProgram, Identified
from workers.ethos_u.target import Target as BoardTarget


def identity_of(model: Identified, target: BoardTarget, objective: Objective) -> Identity:
    """The identity under which evaluations of a model are stored; with its structure if it is lowered."""
    structure = Structure(**asdict(model.structure)) if isinstance(model, BaseProgram) else None
    return Identity(
        model_hash=model.model_hash,
        model_name=model.name,
        io_layout=model.io_layout,
        target=Target(**target.identity()),
        quantisation=model.quantisation,
        versions=versions_of(model.versions),
        search_space_version=SPACE_VERSION,
        objective=str(objective),
        structure=structure,
    )


def versions_of(distributions: Mapping[str, str]) -> Versions:
    """Those of a toolchain's versions that results depend on, by distribution name."""
    return Versions(
        torch=distributions["torch"],
        torchao=distributions["torchao"],
        executorch=distributions["executorch"],
        ethos_u_vela=distributions["ethos-u-vela"],
        tosa_tools=distributions["tosa-tools"],
    )
