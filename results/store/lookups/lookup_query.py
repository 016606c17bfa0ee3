"""The answer to a lookup, found by one statement: the first of what `results.store.lookups.lookup_queries` would find.

A database is asked once, whatever comes of it. It is asked for results of the model itself, or else of a model of the
same structure. It is also asked whether a simulator ran its recipe. PostgreSQL also says which transactions all of that
has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, Text, bindparam, cast, exists, func, null, select, true, union_all

from results.records.best import Best
from results.records.evaluation import Simulation
from results.records.identity import Identity
from results.store.database.fast_reads import FastReads
from results.store.database.tables import claims, evaluations, identities, models, simulations, targets, toolchains
from results.store.lookups.lookup_queries import (
    FOUND,
    KNOWN,
    SAME,
    SPARE,
    WITH_OFFERS,
    differing,
    given,
    given_target,
    latest_of,
    model_values,
    number,
    offers_of_model,
    offers_of_structure,
)
from results.store.lookups.offer_rows import BEST, best_in, claim_in, offers
from results.store.rows.rows import Row
from results.store.simulations import load_simulations


@dataclass(frozen=True)
class Offered:
    """What is known for an identity.

    Attributes:
        close: the best of the model itself under the versions that differ least; then the newest.
        near: if there is none, the best of another model of its structure. One of the same sizes comes first, then the
            newest.
        simulated: simulations of the identity that was found, of this recipe and of others.
        marks: of each store that was asked, see `results.store.database.commit_marks`; from before it was. None where
            it cannot tell.
    """

    close: Best | None = None
    near: Best | None = None
    simulated: tuple[Simulation, ...] = ()
    marks: tuple[object, ...] = ()

    @property
    def best(self) -> Best | None:
        return self.close or self.near


def offered(fast_reads: FastReads, identity: Identity, mark: object) -> Offered:
    """What a store has for an identity. Damaged rows are skipped with a warning.

    Args:
        fast_reads: of the store.
        identity: of the model on its target.
        mark: of the store, from before; None where the database's own answer is to say it.

    Returns:
        The best to offer, with its simulations and the mark.
    """
    (row,) = fast_reads.rows(*question(identity, fast_reads.dialect))
    marks = (row["mark"] if mark is None else mark,)
    return offered_in(row, marks) or _among_all(fast_reads, identity, marks)


def question(identity: Identity, dialect: str) -> tuple[Select[Any], dict[str, Any]]:
    """The statement that asks for what a store has for an identity, in one row, and its values.

    Args:
        identity: of the model on its target.
        dialect: name of the database's dialect, `sqlite` or `postgresql`.

    Returns:
        The statement and the values of its parameters.
    """
    structure = identity.structure
    values = model_values(identity) | (vars(structure) if structure is not None else {})
    return _first(structure is not None, dialect), values


def offered_in(row: Row, marks: tuple[object, ...]) -> Offered | None:
    """What lies in the row that answers `question`.

    Args:
        row: by column name.
        marks: of the stores that were asked.

    Returns:
        The offer; None if more has to be read: simulations, or others because this one is damaged.
    """
    if row["key"] is None:
        return Offered(marks=marks)
    if row["simulated"]:
        return None
    try:
        best = best_in(row) if row["identity_id"] is not None else claim_in(row)
    except (ValueError, TypeError):
        return None
    return Offered(None if row["near"] else best, best if row["near"] else None, (), marks)


def _among_all(fast_reads: FastReads, identity: Identity, marks: tuple[object, ...]) -> Offered:
    """The same, all of it: with simulations, and a warning for each row that is damaged."""
    close, near = next(offers_of_model(fast_reads, identity), None), None
    if close is None and identity.structure is not None:
        of_structure = offers_of_structure(
            fast_reads, identity.structure, identity.target, identity.objective, identity.io_layout, limit=1
        )
        near = next(of_structure, None)
    best = close or near
    simulated = () if best is None else tuple(load_simulations(fast_reads, best.identity.key))
    return Offered(close, near, simulated, marks)


@cache
def _first(near: bool, dialect: str) -> Select[Any]:
    """One row in any case, of nothing but a mark where nothing is known.

    Each level is looked for only where those before it have nothing. near: look beyond the model itself.
    """
    model = select(models.c.id).where(models.c.hash == bindparam("model_hash")).scalar_subquery()
    itself = (
        select(identities.c.id)
        .select_from(WITH_OFFERS.join(toolchains, toolchains.c.id == identities.c.toolchain_id))
        .where(identities.c.model_id == model, given_target(), *given(identities, *SAME), KNOWN)
        .order_by(*differing(), FOUND.desc())
        .limit(number(1))
        .cte("itself")
    )
    levels = [itself]
    for level in ("shapes", "operators") if near else ():
        nothing_yet = [~exists(select(one.c.id)) for one in levels]
        conditions = [given_target(), *given(identities, "objective", "io_layout"), *nothing_yet]
        latest = latest_of(level, number(1 + SPARE), *conditions).subquery()
        levels.append(select(latest.c.id).order_by(latest.c.at.desc()).limit(number(1)).cte(level))
    chosen = union_all(*(select(one.c.id, number(int(one is not itself)).label("near")) for one in levels)).subquery(
        "chosen"
    )
    # What PostgreSQL's statement sees is what it says here; SQLite's mark takes no statement that could be saved.
    says = cast(func.pg_current_snapshot(), Text) if dialect == "postgresql" else null()
    asked = select(says.label("mark")).subquery("asked")
    found = (
        asked.outerjoin(chosen, true())
        .outerjoin(identities, identities.c.id == chosen.c.id)
        .outerjoin(models, models.c.id == identities.c.model_id)
        .outerjoin(targets, targets.c.id == identities.c.target_id)
        .outerjoin(toolchains, toolchains.c.id == identities.c.toolchain_id)
    )
    tried = evaluations.alias("tried")
    ran = exists(
        select(simulations.c.evaluation_id)
        .select_from(simulations.join(tried, tried.c.id == simulations.c.evaluation_id))
        .where(
            tried.c.identity_id == identities.c.id,
            tried.c.recipe_sha256.in_([BEST.c.recipe_sha256, claims.c.recipe_sha256]),
        )
    )
    return offers(found).add_columns(asked.c.mark, chosen.c.near, ran.label("simulated"))
