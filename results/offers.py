"""What a lookup chooses from: bests, and claims beside them, each in one query.

The statements are built once, since building one takes longer than a lookup may. What a lookup hands out has no command
streams and no per-operator rows: they are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    union,
)
from sqlalchemy.sql.selectable import NamedFromClause

from results.claim import Claim
from results.glance import Glances
from results.queries import IDENTITY_COLUMNS, IDENTITY_TABLES, best_of, intact
from results.records import Best, Evaluation, Identity, Structure, Target
from results.rows import TARGET_NAMES, VERSION_NAMES, Row, evaluation_of, identity_of
from results.tables import bests, claims, evaluations, identities, models, targets, toolchains

SAME = ("quantisation", "objective", "io_layout")
"""Fields of an identity, besides model and target, that a result must share to be one under other versions."""

_SPARE = 3
"""Rows that are read beyond what is asked for: the first ones may be damaged."""

# Short names: psycopg parses a statement of more than 4,096 characters anew each time.
_DEFAULT, _BEST = evaluations.alias("d"), evaluations.alias("b")
_KNOWN = or_(bests.c.identity_id.is_not(None), claims.c.identity_id.is_not(None))
_NEWEST_FIRST = func.coalesce(bests.c.updated, claims.c.found).desc()
_BEST_NAMES = ("identity_id", "evaluations", "distinct_programs", "seconds", "status", "seed")
# What is ok has no reason, and nothing else is offered; how often it was tried is of no interest to who asks.
_NOT_READ = ("id", "identity_id", "reason", "attempts")
_EVALUATION_NAMES = tuple(column.name for column in evaluations.c if column.name not in _NOT_READ)
_OF_ALL = {"reason": "", "attempts": 1, "rows_json": None}


def _columns(table: NamedFromClause) -> list[Any]:
    """An evaluation's columns; `verified` as it lies in the table, see `results.queries`."""
    return [
        (type_coerce(column, Integer) if column.name == "verified" else column).label(table.name + column.name)
        for column in table.c
        if column.name in _EVALUATION_NAMES
    ]


def _of(evaluation: FromClause, id: ColumnElement[int]) -> ColumnElement[bool]:
    """Named by a best, and of the same identity: a best that names another one's is damaged."""
    return and_(evaluation.c.id == id, evaluation.c.identity_id == identities.c.id)


def _sources(chosen: FromClause) -> FromClause:
    """What hangs on chosen identities: their bests with both evaluations, and claims."""
    return (
        chosen.outerjoin(bests, bests.c.identity_id == identities.c.id)
        .outerjoin(_DEFAULT, _of(_DEFAULT, bests.c.default_evaluation_id))
        .outerjoin(_BEST, _of(_BEST, bests.c.best_evaluation_id))
        .outerjoin(claims, claims.c.identity_id == identities.c.id)
    )


def _offers(chosen: FromClause) -> Select[Any]:
    evaluated = [*_columns(_DEFAULT), *_columns(_BEST)]
    searched = (
        bests.c[name] for name in ("identity_id", "evaluations", "distinct_programs", "seconds", "status", "seed")
    )
    return select(*IDENTITY_COLUMNS, *searched, claims.c.claim_json, *evaluated).select_from(_sources(chosen))


def _given(table: FromClause, *names: str) -> list[Any]:
    return [table.c[name] == bindparam(name) for name in names]


@cache
def _of_model(few: bool) -> Select[Any]:
    versions = [*(toolchains.c[name] for name in VERSION_NAMES), identities.c.search_space_version]
    # Spelt out: each value that is given costs the driver time.
    none, one = literal_column("0", Integer), literal_column("1", Integer)
    differing: ColumnElement[int] = sum(
        (case((column != bindparam(column.name), one), else_=none) for column in versions), start=none
    )
    same = [*_given(targets, *TARGET_NAMES), *_given(identities, *SAME)]
    wanted = _offers(IDENTITY_TABLES).where(models.c.hash == bindparam("model_hash"), *same, _KNOWN)
    ordered = wanted.order_by(differing, _NEWEST_FIRST)
    return ordered.limit(1 + _SPARE) if few else ordered


@cache
def _of_structure(*given: str) -> Select[Any]:
    """given: fields of target and identity that must be as asked for."""

    def newest(level: str) -> Select[Any]:
        """Of one level, by its index; few of what may be thousands."""
        conditions = [identities.c[f"structure_{level}"] == bindparam(level), _KNOWN]
        conditions += _given(identities, *(name for name in given if name not in TARGET_NAMES))
        if set(TARGET_NAMES) <= set(given):
            id = select(targets.c.id).where(*_given(targets, *TARGET_NAMES)).scalar_subquery()
            conditions.append(identities.c.target_id == id)
        known = identities.outerjoin(bests, bests.c.identity_id == identities.c.id).outerjoin(claims)
        return select(identities.c.id).select_from(known).where(*conditions)

    limited = [
        newest(level).order_by(identities.c.id.desc()).limit(bindparam("limit", type_=Integer)).subquery()
        for level in ("shapes", "operators")
    ]
    # Joined from the few: a planner that starts elsewhere reads every best there is.
    ids = union(*(select(one.c.id) for one in limited)).subquery()
    chosen = ids.join(identities, identities.c.id == ids.c.id).join(models).join(targets).join(toolchains)
    alike = identities.c.structure_shapes == bindparam("shapes")
    best_first = _offers(chosen).order_by(alike.desc(), _NEWEST_FIRST)
    return best_first.limit(bindparam("limit", type_=Integer))


def offers_of_model(glances: Glances, identity: Identity, few: bool) -> Iterator[Best]:
    """Bests and claims that differ from an identity in versions only: those that differ in the fewest come first, then
    the newest, and a best before a claim of the same identity. Made one by one as they are asked for.

    few: enough for one that is intact, not all.
    """
    values = {
        **{name: getattr(identity, name) for name in ("model_hash", "search_space_version", *SAME)},
        **{name: getattr(identity.target, name) for name in TARGET_NAMES},
        **{name: getattr(identity.versions, name) for name in VERSION_NAMES},
    }
    return _read(glances, _of_model(few), values)


def offers_of_structure(
    glances: Glances, structure: Structure, target: Target | None, objective: str | None, io_layout: str | None,
    limit: int,
) -> Iterator[Best]:  # fmt: skip
    """Bests and claims for models of a structure: those of the same shapes first, then the newest. None: any."""
    given = {"objective": objective, "io_layout": io_layout}
    given |= {name: getattr(target, name, None) for name in TARGET_NAMES}
    given = {name: value for name, value in given.items() if value is not None}
    values = {"operators": structure.operators, "shapes": structure.shapes, "limit": limit + _SPARE, **given}
    return islice(_read(glances, _of_structure(*given), values), limit)


def claimed_bests(connection: Connection) -> list[Best]:
    """Every claim, by model name, target and age (newest first)."""
    rows = connection.execute(
        select(*IDENTITY_COLUMNS, claims.c.claim_json)
        .select_from(IDENTITY_TABLES.join(claims, claims.c.identity_id == identities.c.id))
        .order_by(models.c.name, *(targets.c[name] for name in TARGET_NAMES), claims.c.found.desc())
    )
    found = (intact(row, f"imported best of identity {row['key']}", _claimed) for row in rows.mappings())
    return [best for best in found if best is not None]


def any_offer(connection: Connection, identity: Identity) -> bool:
    """Whether there is a best or claim for the target, objective and layout of an identity."""
    same = [targets.c[name] == getattr(identity.target, name) for name in TARGET_NAMES]
    same += [identities.c[name] == getattr(identity, name) for name in ("objective", "io_layout")]
    wanted = select(identities.c.id).select_from(_sources(IDENTITY_TABLES)).where(*same, _KNOWN).limit(1)
    return connection.execute(wanted).first() is not None


def _read(glances: Glances, statement: Select[Any], values: dict[str, Any]) -> Iterator[Best]:
    for row in glances.rows(statement, values):
        if row["identity_id"] is not None:
            best = intact(row, f"best of identity {row['key']}", _best)
            if best is not None:
                yield best
        if row["claim_json"] is not None:
            claimed = intact(row, f"imported best of identity {row['key']}", _claimed)
            if claimed is not None:
                yield claimed


def _best(row: Row) -> Best:
    return best_of(row, _evaluation(row, _DEFAULT), _evaluation(row, _BEST))


def _evaluation(row: Row, table: NamedFromClause) -> Evaluation:
    values = {name: row[table.name + name] for name in _EVALUATION_NAMES}
    if values["recipe"] is None:
        raise ValueError("an evaluation that it names is missing or of another identity")
    return evaluation_of({**values, **_OF_ALL, "key": row["key"]}, [])


def _claimed(row: Row) -> Best:
    return Claim.from_text(row["claim_json"]).of(identity_of(row))
