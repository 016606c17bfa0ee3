"""What makes two results the same, read off a base program and a target."""

from __future__ import annotations

from collections.abc import Mapping

from results.records import Identity, Target, Versions
from search_space.space import SPACE_VERSION
from tuner.objective import Objective
from workers.base_program import Identified
from workers.target import Target as BoardTarget


def identity_of(model: Identified, target: BoardTarget, objective: Objective) -> Identity:
    """The identity under which evaluations of a lowered model are stored."""
    return Identity(
        model_hash=model.model_hash,
        model_name=model.name,
        io_layout=model.io_layout,
        target=Target(**target.identity()),
        quantisation=model.quantisation,
        versions=versions_of(model.versions),
        search_space_version=SPACE_VERSION,
        objective=str(objective),
    )


def versions_of(distributions: Mapping[str, str]) -> Versions:
    """Those of a toolchain's versions that results depend on, by distribution name."""
    return Versions(
        torch=distributions["torch"],
        executorch=distributions["executorch"],
        ethos_u_vela=distributions["ethos-u-vela"],
        tosa_tools=distributions["tosa-tools"],
    )
