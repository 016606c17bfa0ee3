"""What a lookup chooses from: bests, and claims beside them, each in one query.

The statements are built once, since building one takes longer than a lookup may. What a lookup hands out has no command
streams and no per-operator rows: they are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    RowMapping,
    Select,
    String,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from results.claim import Claim
from results.queries import IDENTITY_COLUMNS, IDENTITY_TABLES, best_of, intact
from results.records import Best, Evaluation, Identity, Structure, Target
from results.rows import TARGET_NAMES, VERSION_NAMES, evaluation_of, identity_of
from results.tables import bests, claims, evaluations, identities, models, targets, toolchains

SAME = ("quantisation", "objective", "io_layout")
"""Fields of an identity, besides model and target, that a result must share to be one under other versions."""

_CHOICE = 8
"""Rows that are read for one lookup: more than one, since the first may be damaged."""

_DEFAULT, _BEST = evaluations.alias("default_evaluation"), evaluations.alias("best_evaluation")
_SOURCES = (
    IDENTITY_TABLES.outerjoin(bests, bests.c.identity_id == identities.c.id)
    .outerjoin(_DEFAULT, _DEFAULT.c.id == bests.c.default_evaluation_id)
    .outerjoin(_BEST, _BEST.c.id == bests.c.best_evaluation_id)
    .outerjoin(claims, claims.c.identity_id == identities.c.id)
)
_KNOWN = or_(bests.c.identity_id.is_not(None), claims.c.identity_id.is_not(None))
_NEWEST_FIRST = func.coalesce(bests.c.updated, claims.c.found).desc()
_EVALUATION_NAMES = tuple(column.name for column in evaluations.c)


def _columns(table: FromClause, prefix: str) -> list[Any]:
    """An evaluation's columns; `verified` as it lies in the table, see `results.queries`."""
    return [
        (type_coerce(column, Integer) if column.name == "verified" else column).label(f"{prefix}_{column.name}")
        for column in table.c
    ]


def _offers() -> Select[Any]:
    return select(
        *IDENTITY_COLUMNS, *bests.c, claims.c.claim_json, *_columns(_DEFAULT, "default"), *_columns(_BEST, "best")
    ).select_from(_SOURCES)


def _given(table: FromClause, *names: str) -> list[Any]:
    return [table.c[name] == bindparam(name) for name in names]


@cache
def _of_model() -> Select[Any]:
    versions = [*(toolchains.c[name] for name in VERSION_NAMES), identities.c.search_space_version]
    differing: ColumnElement[int] = sum(
        (case((column != bindparam(column.name), 1), else_=0) for column in versions), start=literal(0)
    )
    same = [*_given(targets, *TARGET_NAMES), *_given(identities, *SAME)]
    wanted = _offers().where(models.c.hash == bindparam("model_hash"), *same, _KNOWN)
    return wanted.order_by(differing, _NEWEST_FIRST).limit(_CHOICE)


@cache
def _of_structure(on_target: bool) -> Select[Any]:
    def newest(level: str) -> Select[Any]:
        """Of one level, by its index; few of what may be thousands."""
        conditions = [identities.c[f"structure_{level}"] == bindparam(level), _KNOWN]
        if on_target:
            id = select(targets.c.id).where(*_given(targets, *TARGET_NAMES)).scalar_subquery()
            conditions.append(identities.c.target_id == id)
        for name in ("objective", "io_layout"):
            asked = bindparam(name, type_=String)
            conditions.append(or_(asked.is_(None), identities.c[name] == asked))
        known = identities.outerjoin(bests, bests.c.identity_id == identities.c.id).outerjoin(claims)
        return select(identities.c.id).select_from(known).where(*conditions)

    limited = [
        newest(level).order_by(identities.c.id.desc()).limit(bindparam("limit", type_=Integer)).subquery()
        for level in ("shapes", "operators")
    ]
    ids = union_all(*(select(one.c.id) for one in limited))
    alike_first = case((identities.c.structure_shapes == bindparam("shapes"), 0), else_=1)
    wanted = _offers().where(identities.c.id.in_(ids)).order_by(alike_first, _NEWEST_FIRST)
    return wanted.limit(bindparam("limit", type_=Integer))


def offers_of_model(connection: Connection, identity: Identity) -> list[Best]:
    """Bests and claims that differ from an identity in versions only: those that differ in the fewest come first, then
    the newest, and a best before a claim of the same identity."""
    values = {
        **{name: getattr(identity, name) for name in ("model_hash", "search_space_version", *SAME)},
        **{name: getattr(identity.target, name) for name in TARGET_NAMES},
        **{name: getattr(identity.versions, name) for name in VERSION_NAMES},
    }
    return list(_read(connection, _of_model(), values))


def offers_of_structure(
    connection: Connection, structure: Structure, target: Target | None, objective: str | None, io_layout: str | None,
    limit: int,
) -> list[Best]:  # fmt: skip
    """Bests and claims for models of a structure: those of the same shapes first, then the newest. None: any."""
    on_target = {} if target is None else {name: getattr(target, name) for name in TARGET_NAMES}
    wanted = {"objective": objective, "io_layout": io_layout, "limit": limit}
    values = {"operators": structure.operators, "shapes": structure.shapes, **wanted, **on_target}
    return list(_read(connection, _of_structure(target is not None), values))


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
    wanted = select(identities.c.id).select_from(_SOURCES).where(*same, _KNOWN).limit(1)
    return connection.execute(wanted).first() is not None


def _read(connection: Connection, statement: Select[Any], values: dict[str, Any]) -> Iterator[Best]:
    for row in connection.execute(statement, values).mappings():
        if row["identity_id"] is not None:
            best = intact(row, f"best of identity {row['key']}", _best)
            if best is not None:
                yield best
        if row["claim_json"] is not None:
            claimed = intact(row, f"imported best of identity {row['key']}", _claimed)
            if claimed is not None:
                yield claimed


def _best(row: RowMapping) -> Best:
    return best_of(row, _evaluation(row, "default"), _evaluation(row, "best"))


def _evaluation(row: RowMapping, prefix: str) -> Evaluation:
    values = {name: row[f"{prefix}_{name}"] for name in _EVALUATION_NAMES}
    return evaluation_of({**values, "key": row["key"], "rows_json": None}, [])


def _claimed(row: RowMapping) -> Best:
    return Claim.from_text(row["claim_json"]).of(identity_of(row))
