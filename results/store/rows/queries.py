"""Reading records inside a transaction. A damaged row is skipped with a warning; the rest is returned."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    or_,
    select,
    type_coerce,
)

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.identity import Identity
from results.records.record import Record
from results.store.database.tables import (
    bests,
    command_streams,
    evaluations,
    identities,
    models,
    operator_tables,
    targets,
    toolchains,
)
from results.store.rows.rows import STRUCTURE_NAMES, TARGET_NAMES, Row, evaluation_of, identity_of

log = logging.getLogger(__name__)

OFFERED = and_(evaluations.c.status == "ok", evaluations.c.verified)
"""What may be handed out as a best. Asked of every row that is, however it came to be in the table."""

_R = TypeVar("_R", bound=Record)
_Condition = ColumnElement[bool]

IDENTITY_COLUMNS = (
    identities.c.key,
    identities.c.quantisation,
    identities.c.search_space_version,
    identities.c.objective,
    identities.c.io_layout,
    *(identities.c[f"structure_{name}"] for name in STRUCTURE_NAMES),
    models.c.hash.label("model_hash"),
    models.c.name.label("model_name"),
    *(targets.c[name] for name in TARGET_NAMES),
    toolchains.c.versions,
)
IDENTITY_TABLES = identities.join(models).join(targets).join(toolchains)
_BEST_TABLES = IDENTITY_TABLES.join(bests)
_CANDIDATE_TABLES = evaluations.join(identities)
_EVALUATION_TABLES = _CANDIDATE_TABLES.outerjoin(operator_tables)
_EVALUATION_COLUMNS = (
    *(column for column in evaluations.c if column.name != "verified"),
    # As it lies in the table: SQLAlchemy's own conversion would stop at a damaged value.
    type_coerce(evaluations.c.verified, Integer).label("verified"),
)


def load_evaluations(connection: Connection, *conditions: _Condition) -> dict[int, Evaluation]:
    """Evaluations by row id, in the order of their first recording.

    Args:
        connection: the transaction to read in.
        conditions: over the tables `evaluations` and `identities`.

    Returns:
        Evaluations by row id; damaged ones are left out.
    """
    wanted = select(evaluations.c.id).select_from(_CANDIDATE_TABLES).where(*conditions)
    streams: defaultdict[int, list[str]] = defaultdict(list)
    for id, sha256 in connection.execute(
        select(command_streams.c.evaluation_id, command_streams.c.sha256)
        .where(command_streams.c.evaluation_id.in_(wanted))
        .order_by(command_streams.c.evaluation_id, command_streams.c.delegate)
    ):
        streams[id].append(sha256)
    rows = connection.execute(
        select(*_EVALUATION_COLUMNS, identities.c.key, operator_tables.c.rows_json)
        .select_from(_EVALUATION_TABLES)
        .where(*conditions)
        .order_by(evaluations.c.id)
    )
    found = {}
    for row in rows.mappings():
        id = row["id"]
        evaluation = intact(row, f"evaluation {id}", lambda row: evaluation_of(row, streams[row["id"]]))
        if evaluation is not None:
            found[id] = evaluation
    return found


def load_identities(connection: Connection, keys: set[str]) -> dict[str, Identity]:
    """Identities by key.

    Args:
        connection: the transaction to read in.
        keys: of identities.

    Returns:
        Identities by key; those that are unknown or damaged are left out.
    """
    rows = connection.execute(select(*IDENTITY_COLUMNS).select_from(IDENTITY_TABLES).where(identities.c.key.in_(keys)))
    found = (intact(row, f"identity {row['key']}", identity_of) for row in rows.mappings())
    return {identity.key: identity for identity in found if identity is not None}


def load_bests(connection: Connection, *conditions: _Condition) -> list[Best]:
    """Bests by model name, target and age (newest first).

    Args:
        connection: the transaction to read in.
        conditions: over the tables `identities`, `models` and `targets`.

    Returns:
        Bests with their operators; damaged ones are left out.
    """
    named = (bests.c.default_evaluation_id, bests.c.best_evaluation_id)
    of_these = (select(column).select_from(_BEST_TABLES).where(*conditions) for column in named)
    known = load_evaluations(connection, or_(*(evaluations.c.id.in_(ids) for ids in of_these)))
    rows = connection.execute(
        select(*IDENTITY_COLUMNS, *bests.c)
        .select_from(_BEST_TABLES)
        .where(*conditions)
        .order_by(models.c.name, *(targets.c[name] for name in TARGET_NAMES), bests.c.updated.desc())
    )
    found = []
    for row in rows.mappings():
        best = intact(row, f"best of identity {row['key']}", lambda row: _best_of(row, known))
        if best is not None:
            found.append(best)
    return found


def _best_of(row: Row, known: dict[int, Evaluation]) -> Best:
    default = known.get(row["default_evaluation_id"])
    best = known.get(row["best_evaluation_id"])
    if default is None or best is None:
        raise ValueError("an evaluation that it names is damaged or missing")
    return best_of(row, default, best)


def best_of(row: Row, default: Evaluation, best: Evaluation) -> Best:
    """The record of a row of `bests` joined with its identity.

    Args:
        row: with the columns of `bests` and `IDENTITY_COLUMNS`.
        default: the evaluation that the row names as the default.
        best: the one that it names as the best.

    Returns:
        The best.

    Raises:
        ValueError, TypeError: the row is damaged, or its evaluations are nothing to offer.
    """
    identity = identity_of(row)
    if {default.identity_key, best.identity_key} != {identity.key}:
        raise ValueError("an evaluation that it names is missing or of another identity")
    if not best.verified or default.figures is None:
        raise ValueError("its evaluation is not ok and verified")
    return Best(
        identity=identity,
        default=default,
        best=best,
        recipe=best.recipe,
        evaluations=row["evaluations"],
        distinct=row["distinct_programs"],
        seconds=row["seconds"],
        status=row["status"],
        seed=row["seed"],
    )


def intact(row: Row, what: str, read: Callable[[Row], _R]) -> _R | None:
    """The record of a row, or None and a warning when the row is damaged.

    Args:
        row: by column name.
        what: the row, as the warning names it.
        read: makes the record; raises ValueError or TypeError for a damaged row.

    Returns:
        The record; None when the row is damaged.
    """
    try:
        return read(row)
    except (ValueError, TypeError) as error:
        log.warning("skipped %s in the store: %s", what, error)
        return None
