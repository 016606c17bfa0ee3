"""What a lookup chooses from: bests, and claims beside them, each in one query.

`results.store.lookups.lookup_query` takes the first.

The statements are built once, since building one takes longer than a lookup may. A lookup's answer has no command
streams, no per-operator rows and no facts of its check. They are not read.
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
    Text,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    union,
)

from results.records.best import Best
from results.records.identity import Facts, Identity, Structure, Target
from results.store.database.fast_reads import FastReads
from results.store.database.tables import (
    bests,
    claims,
    identities,
    models,
    targets,
    toolchain_versions,
    toolchains,
)
from results.store.lookups.offer_rows import best_in, claim_in, offers, sources
from results.store.rows.queries import IDENTITY_TABLES, intact
from results.store.rows.rows import TARGET_NAMES, facts_text, target_values

SAME = ("quantisation", "objective", "io_layout")
"""Fields of an identity, besides model and target, that a result must share to be one under other versions."""

SPARE = 3
"""Rows that are read beyond what is asked for: the first ones may be damaged."""

KNOWN = or_(bests.c.identity_id.is_not(None), claims.c.identity_id.is_not(None))
FOUND = func.coalesce(bests.c.updated, claims.c.found)
"""When what is known of an identity was found."""

WITH_OFFERS = identities.outerjoin(bests, bests.c.identity_id == identities.c.id).outerjoin(claims)


def number(value: int) -> ColumnElement[int]:
    """Spelt out: each value that is given costs the driver time."""
    return literal_column(str(value), Integer)


def given(table: FromClause, *names: str) -> list[ColumnElement[bool]]:
    """These columns are as asked for.

    Args:
        table: with these columns.
        names: of columns; a parameter of the same name has the value.

    Returns:
        One condition for each name.
    """
    return [table.c[name] == bindparam(name) for name in names]


def given_target() -> ColumnElement[bool]:
    """An identity's target is the requested one; found first, so that an index over its number helps."""
    id = select(targets.c.id).where(*given(targets, *TARGET_NAMES)).scalar_subquery()
    return identities.c.target_id == id


def differing() -> tuple[ColumnElement[Any], ...]:
    """An order of identities: the requested one, then those that differ from it in the fewest versions."""
    another = case((identities.c.key != bindparam("asked_key"), number(1)), else_=number(0))
    asked = bindparam("asked_versions", type_=Text)
    one = toolchain_versions.c
    differs = func.replace(asked, "|" + one.name + "=" + one.version + "|", "") == asked
    versions = select(func.count()).where(one.toolchain_id == identities.c.toolchain_id, differs).scalar_subquery()
    space = case((identities.c.search_space_version != bindparam("search_space_version"), number(1)), else_=number(0))
    return another, versions + space


def latest_of(level: str, limit: ColumnElement[int], *conditions: ColumnElement[bool]) -> Select[Any]:
    """Identities with something known, of one level of a structure by its index. They are few of what may be thousands,
    the latest first.

    Args:
        level: `shapes` or `operators`; the parameter of that name has the hash.
        limit: the most identities.
        conditions: that they must meet, too.

    Returns:
        A statement with the identity's row id and `at`, when what is known was found.
    """
    of_level = identities.c[f"structure_{level}"] == bindparam(level)
    wanted = select(identities.c.id, FOUND.label("at")).select_from(WITH_OFFERS).where(of_level, KNOWN, *conditions)
    return wanted.order_by(identities.c.id.desc()).limit(limit)


@cache
def _of_model() -> Select[Any]:
    same = [*given(targets, *TARGET_NAMES), *given(identities, *SAME)]
    wanted = offers(IDENTITY_TABLES).where(models.c.hash == bindparam("model_hash"), *same, KNOWN)
    return wanted.order_by(*differing(), FOUND.desc())


@cache
def _of_structure(*names: str) -> Select[Any]:
    """names: fields of target and identity that must be as asked for."""
    conditions = given(identities, *(name for name in names if name not in TARGET_NAMES))
    if set(TARGET_NAMES) <= set(names):
        conditions.append(given_target())
    limit = bindparam("limit", type_=Integer)
    limited = [latest_of(level, limit, *conditions).subquery() for level in ("shapes", "operators")]
    # Joined from the few: a planner that starts elsewhere reads every best there is.
    ids = union(*(select(one.c.id) for one in limited)).subquery()
    chosen = ids.join(identities, identities.c.id == ids.c.id).join(models).join(targets).join(toolchains)
    alike = identities.c.structure_shapes == bindparam("shapes")
    return offers(chosen).order_by(alike.desc(), FOUND.desc()).limit(limit)


def model_values(identity: Identity) -> dict[str, Any]:
    """What is given for the model itself, its target and its versions."""
    return {
        "model_hash": identity.model_hash,
        "io_layout": identity.io_layout,
        "quantisation": facts_text(identity.quantisation),
        "objective": facts_text(identity.objective),
        "search_space_version": identity.search_space_version,
        "asked_key": identity.key,
        # Each between bars of its own, so that none is found inside another one.
        "asked_versions": "".join(f"|{name}={version}|" for name, version in identity.versions.items()),
        **target_values(identity.target),
    }


def offers_of_model(fast_reads: FastReads, identity: Identity) -> Iterator[Best]:
    """Bests and claims that differ from an identity in versions only. Those that differ in the fewest come first, then
    the newest. A best comes before a claim of the same identity. Made one by one as they are asked for.

    Args:
        fast_reads: of the store.
        identity: of the model on its target.

    Yields:
        Bests; those of claims are not verified.
    """
    return _read(fast_reads, _of_model(), model_values(identity))


def offers_of_structure(
    fast_reads: FastReads, structure: Structure, target: Target | None, objective: Facts | None, io_layout: str | None,
    limit: int,
) -> Iterator[Best]:  # fmt: skip
    """Bests and claims for models of a structure: those of the same shapes first, then the newest.

    Args:
        fast_reads: of the store.
        structure: of the lowered model; `shapes` only orders them.
        target: that they must be for; None for any.
        objective: that they must be for; None for any.
        io_layout: that they must be for; None for any.
        limit: the most that are yielded.

    Yields:
        Bests; those of claims are not verified.
    """
    given = target_values(target) if target is not None else {}
    given |= {"objective": facts_text(objective)} if objective is not None else {}
    given |= {"io_layout": io_layout} if io_layout is not None else {}
    values = {"operators": structure.operators, "shapes": structure.shapes, "limit": limit + SPARE, **given}
    return islice(_read(fast_reads, _of_structure(*given), values), limit)


def any_offer(connection: Connection, identity: Identity) -> bool:
    """Whether there is a best or claim for the target, objective and layout of an identity.

    Args:
        connection: the transaction to read in.
        identity: its model does not matter.

    Returns:
        Whether there is one.
    """
    same = [targets.c[name] == value for name, value in target_values(identity.target).items()]
    same += [identities.c.objective == facts_text(identity.objective), identities.c.io_layout == identity.io_layout]
    wanted = select(identities.c.id).select_from(sources(IDENTITY_TABLES)).where(*same, KNOWN).limit(1)
    return connection.execute(wanted).first() is not None


def _read(fast_reads: FastReads, statement: Select[Any], values: dict[str, Any]) -> Iterator[Best]:
    for row in fast_reads.rows(statement, values):
        if row["identity_id"] is not None:
            best = intact(row, f"best of identity {row['key']}", best_in)
            if best is not None:
                yield best
        if row["claim_json"] is not None:
            claimed = intact(row, f"imported best of identity {row['key']}", claim_in)
            if claimed is not None:
                yield claimed
