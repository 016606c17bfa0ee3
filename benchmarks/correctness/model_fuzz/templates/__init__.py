"""Statements that modules are made of, by the rank of the value that they read.

A template has lines of `__init__` and lines of `forward`. A `forward` of one line is the expression of a new value. One
of several lines sets `{v}` itself. `benchmarks.correctness.model_fuzz.fields` fills in the fields in braces. A template
that does not fit the shapes raises, and the draft goes on without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.correctness.model_fuzz.templates import (
    attention,
    containers,
    control_flow,
    convolutions,
    elementwise,
    in_place,
    indices,
    normalisations,
    recurrent,
    reductions,
    shapes,
    state,
)

#: Lines of `__init__`, and of `forward`.
Template = tuple[str, str]

#: Of any rank from 1 on.
ANY = -1

#: By subject: how often it is taken, and its templates by rank.
SUBJECTS: Mapping[str, tuple[int, Mapping[int, Sequence[Template]]]] = {
    "convolutions": (6, convolutions.TEMPLATES),
    "elementwise": (5, elementwise.TEMPLATES),
    "shapes": (4, shapes.TEMPLATES),
    "normalisations": (3, normalisations.TEMPLATES),
    "reductions": (2, reductions.TEMPLATES),
    "indices": (3, indices.TEMPLATES),
    "attention": (2, attention.TEMPLATES),
    "recurrent": (2, recurrent.TEMPLATES),
    "containers": (3, containers.TEMPLATES),
    "in place": (2, in_place.TEMPLATES),
    "state": (1, state.TEMPLATES),
    "control flow": (1, control_flow.TEMPLATES),
}
