"""What makes two results the same, read off a base program and a target."""

from __future__ import annotations

from results.records import Identity, Target, Versions
from search_space.space import SPACE_VERSION
from workers.base_program import Identified
from workers.target import Target as BoardTarget

#: What `cycles` counts. Part of every identity: results under another objective are other results.
OBJECTIVE = "vela cycles"


def identity_of(model: Identified, target: BoardTarget) -> Identity:
    """The identity under which evaluations of a lowered model are stored."""
    versions = model.versions
    return Identity(
        model_hash=model.model_hash,
        model_name=model.name,
        target=Target(**target.identity()),
        quantisation=model.quantisation,
        versions=Versions(
            torch=versions["torch"],
            executorch=versions["executorch"],
            ethos_u_vela=versions["ethos-u-vela"],
            tosa_tools=versions["tosa-tools"],
        ),
        search_space_version=SPACE_VERSION,
        objective=OBJECTIVE,
    )
