"""Selects results of identities and reads the rows.

A row is a best with both its evaluations, or a claim.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Select, and_, select, type_coerce
from sqlalchemy.sql.selectable import NamedFromClause

from results.records.best import Best
from results.records.claim import Claim
from results.records.evaluation import Evaluation
from results.records.figures import FIGURE_NAMES, Figures, Quality
from results.store.database.tables import bests, claims, evaluations, identities
from results.store.rows.queries import IDENTITY_COLUMNS, best_of
from results.store.rows.rows import Row, identity_of, recipe_sha256

_DEFAULT, BEST = evaluations.alias("d"), evaluations.alias("b")
_BEST_NAMES = ("identity_id", "evaluations", "distinct_programs", "seconds", "status", "seed")
# A lookup does not show how a recipe was checked and how often it was tried.
_NOT_READ = ("id", "identity_id", "check_json", "attempts")
_EVALUATION_NAMES = tuple(column.name for column in evaluations.c if column.name not in _NOT_READ)
_TEXTS = ("recipe", "program_hash", "status", "reason", "exactness", "created")


def _columns(table: NamedFromClause) -> list[Any]:
    """An evaluation's columns; `verified` as it lies in the table, see `results.store.rows.queries`."""
    return [
        (type_coerce(column, Integer) if column.name == "verified" else column).label(table.name + column.name)
        for column in table.c
        if column.name in _EVALUATION_NAMES
    ]


def _of(evaluation: FromClause, id: ColumnElement[int]) -> ColumnElement[bool]:
    """Named by a best, and of the same identity: a best that names another one's is damaged."""
    return and_(evaluation.c.id == id, evaluation.c.identity_id == identities.c.id)


def sources(chosen: FromClause) -> FromClause:
    """What belongs to chosen identities: their bests with both evaluations, and claims."""
    return (
        chosen.outerjoin(bests, bests.c.identity_id == identities.c.id)
        .outerjoin(_DEFAULT, _of(_DEFAULT, bests.c.default_evaluation_id))
        .outerjoin(BEST, _of(BEST, bests.c.best_evaluation_id))
        .outerjoin(claims, claims.c.identity_id == identities.c.id)
    )


def offers(chosen: FromClause) -> Select[Any]:
    """What is known of chosen identities, as `best_in` and `claim_in` read it.

    Args:
        chosen: IDENTITY_TABLES, or the like.
    """
    evaluated = [*_columns(_DEFAULT), *_columns(BEST)]
    searched = (bests.c[name] for name in _BEST_NAMES)
    return select(*IDENTITY_COLUMNS, *searched, claims.c.claim_json, *evaluated).select_from(sources(chosen))


def best_in(row: Row) -> Best:
    """The best of a row of `offers`. Raises ValueError or TypeError: it is damaged, or nothing to offer."""
    return best_of(row, _evaluation(row, _DEFAULT), _evaluation(row, BEST))


def claim_in(row: Row) -> Best:
    """The claim of such a row, as a best that is not verified. Raises ValueError or TypeError: it is damaged."""
    return Claim.from_text(row["claim_json"]).of(identity_of(row))


def _evaluation(row: Row, table: NamedFromClause) -> Evaluation:
    """Made and checked here. By way of JSON, as `evaluation_of` does it with all there is, it takes half a lookup."""
    values = {name: row[table.name + name] for name in _EVALUATION_NAMES}
    if values["recipe"] is None:
        raise ValueError("an evaluation that it names is missing or of another identity")
    damaged = [name for name in _TEXTS if type(values[name]) is not str]
    if damaged or values["verified"] not in (0, 1):
        raise ValueError(f"{', '.join(damaged) or 'verified'} is not what may be there")
    if recipe_sha256(values["recipe"]) != values["recipe_sha256"]:
        raise ValueError("its recipe does not fit its hash")
    return Evaluation(
        identity_key=row["key"],
        figures=Figures(
            **{name: values[name] for name in (*FIGURE_NAMES, "label")}, metrics=json.loads(values["metrics_json"])
        ),
        verified=values["verified"] == 1,
        quality=Quality.from_text(values["quality_json"]) if values["quality_json"] is not None else None,
        seconds=values["seconds"],
        **{name: values[name] for name in _TEXTS},
    )
