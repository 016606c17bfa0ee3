"""Writing records inside a transaction that holds what it needs to be alone."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from results.records.best import Best
from results.records.claim import Claim, ImportOutcome
from results.records.evaluation import Evaluation, Simulation
from results.records.identity import Facts, Identity, Target
from results.records.precedence import REFUTING, weight
from results.records.record import canonical_json, utc_now
from results.store.database.tables import (
    bests,
    claims,
    command_streams,
    evaluations,
    identities,
    models,
    operator_tables,
    simulations,
    targets,
    toolchain_versions,
    toolchains,
)
from results.store.queries import OFFERED, load_evaluations
from results.store.rows import (
    evaluation_values,
    facts_text,
    operators_text,
    recipe_sha256,
    storable,
    structure_values,
    target_values,
)

log = logging.getLogger(__name__)

# Built once: a search writes evaluations all the time, and to build a statement takes longer than to execute it.
_CLAIM_OF = delete(claims).where(
    claims.c.identity_id == bindparam("identity"), claims.c.recipe_sha256 == bindparam("sha256")
)
_INSERT_STREAMS, _INSERT_OPERATORS = insert(command_streams), insert(operator_tables)


def write_identity(connection: Connection, identity: Identity) -> int:
    """Make an identity known, with the name and structure that it has now; its row id."""
    id = _identity_row(connection, identity)
    # The same content may go by another name today; people look for the name they used last.
    name = storable(identity.model_name)
    other_name = (models.c.hash == identity.model_hash, models.c.name != name)
    connection.execute(update(models).where(*other_name).values(name=name))
    if identity.structure is not None:
        # It may have been made known before it was lowered.
        values = structure_values(identity.structure)
        unknown = or_(*(identities.c[column].is_distinct_from(value) for column, value in values.items()))
        connection.execute(update(identities).where(identities.c.id == id, unknown).values(values))
    return id


def _identity_row(connection: Connection, identity: Identity) -> int:
    """The row id of an identity, which is made if there is none."""
    model_id = _id_of(connection, models, {"hash": identity.model_hash}, {"name": storable(identity.model_name)})
    return _id_of(
        connection,
        identities,
        {"key": identity.key},
        {
            "model_id": model_id,
            "target_id": target_row(connection, identity.target),
            "toolchain_id": _toolchain_row(connection, identity.versions),
            "quantisation": facts_text(identity.quantisation),
            "search_space_version": identity.search_space_version,
            "objective": facts_text(identity.objective),
            "io_layout": identity.io_layout,
            "created": utc_now(),
            **(structure_values(identity.structure) if identity.structure is not None else {}),
        },
    )


def target_row(connection: Connection, target: Target) -> int:
    """The row id of a target, which is made if there is none."""
    return _id_of(connection, targets, target_values(target))


def _toolchain_row(connection: Connection, versions: Facts) -> int:
    id = _id_of(connection, toolchains, {"versions": facts_text(versions)})
    known = select(toolchain_versions.c.name).where(toolchain_versions.c.toolchain_id == id).limit(1)
    if versions and connection.execute(known).first() is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        rows = [{"toolchain_id": id, "name": name, "version": version} for name, version in versions.items()]
        # Another process may have just written them.
        connection.execute(dialect.insert(toolchain_versions).on_conflict_do_nothing(), rows)
    return id


def write_evaluation(connection: Connection, evaluation: Evaluation, identity_id: int) -> tuple[int, bool]:
    """Keep the weightier of the stored and the new record of a candidate; a claim that it settles is forgotten.

    The candidate's row stays locked until the transaction ends.

    Returns:
        Its row id, and whether the table changed.
    """
    values = evaluation_values(evaluation, identity_id)
    if evaluation.verified or evaluation.status in REFUTING:
        claimed = connection.execute(_CLAIM_OF, {"identity": identity_id, "sha256": values["recipe_sha256"]}).rowcount
        if claimed and not evaluation.verified:
            log.warning("forgot the imported recipe %r: it turned out %s", evaluation.recipe, evaluation.status)
    id = _insert_new(connection, evaluations, values)
    if id is None:
        id, outweighed = _compare(connection, evaluation, values)
        if not outweighed:
            return id, False
        connection.execute(update(evaluations).where(evaluations.c.id == id).values(values))
        for table in (command_streams, operator_tables):
            connection.execute(delete(table).where(table.c.evaluation_id == id))
        if not evaluation.verified:
            _retract_bests(connection, id, evaluation)
    if evaluation.command_stream_sha256:
        streams = enumerate(evaluation.command_stream_sha256)
        connection.execute(
            _INSERT_STREAMS,
            [{"evaluation_id": id, "delegate": delegate, "sha256": sha256} for delegate, sha256 in streams],
        )
    if evaluation.operators:
        text = operators_text(evaluation.operators)
        connection.execute(_INSERT_OPERATORS, {"evaluation_id": id, "rows_json": text})
    return id, True


def write_best(connection: Connection, best: Best, identity_id: int, default_id: int, best_id: int) -> None:
    """Replace an identity's best; the identity's row must be locked."""
    connection.execute(delete(bests).where(bests.c.identity_id == identity_id))
    connection.execute(
        insert(bests).values(
            identity_id=identity_id,
            default_evaluation_id=default_id,
            best_evaluation_id=best_id,
            evaluations=best.evaluations,
            distinct_programs=best.distinct,
            seconds=best.seconds,
            status=best.status,
            seed=best.seed,
            updated=utc_now(),
        )
    )


def write_claim(connection: Connection, identity: Identity, claim: Claim) -> ImportOutcome:
    """Keep a claim beside what is known, in the place of an earlier one, unless nothing can come of it."""
    identity_id = _identity_row(connection, identity)  # what is known of it is not theirs to change
    sha256 = recipe_sha256(claim.recipe)
    same = (evaluations.c.identity_id == identity_id, evaluations.c.recipe_sha256 == sha256)
    tried = connection.execute(select(evaluations.c.status, evaluations.c.verified).where(*same)).first()
    if tried is not None and tried.status in REFUTING:
        return "refuted"
    held = connection.execute(
        select(evaluations.c.cycles)
        .join(bests, bests.c.best_evaluation_id == evaluations.c.id)
        .where(bests.c.identity_id == identity_id, OFFERED)
    ).scalar()
    if (tried is not None and tried.verified) or (held is not None and held <= claim.best.cycles):
        return "known"
    values = {
        "recipe_sha256": sha256,
        "cycles": claim.best.cycles,
        "claim_json": canonical_json(claim.to_json()),
        "found": claim.found,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(claims).values(identity_id=identity_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["identity_id"], set_=values))
    return "new" if held is None else "cheaper"


def settle_claim(connection: Connection, identity_id: int, cycles: int) -> None:
    """Forget a claim that is not cheaper than a best of the store's own."""
    connection.execute(delete(claims).where(claims.c.identity_id == identity_id, claims.c.cycles >= cycles))


def write_simulation(connection: Connection, simulation: Simulation, evaluation_id: int) -> None:
    """Keep the newest of the simulations of a candidate by the same simulator and runner."""
    figures = {name: getattr(simulation, name) for name in ("label", "npu_cycles", "created")}
    key = {
        "evaluation_id": evaluation_id,
        "simulator": storable(simulation.simulator),
        "runner_sha256": simulation.runner_sha256,
    }
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(simulations).values(**key, **figures)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=figures))


def _compare(connection: Connection, new: Evaluation, values: dict[str, Any]) -> tuple[int, bool]:
    """The stored record of the same candidate, locked: its row id, and whether the new one outweighs it."""
    same = ("identity_id", "recipe_sha256")
    candidate = select(evaluations.c.id).where(*(evaluations.c[name] == values[name] for name in same))
    id = connection.execute(candidate.with_for_update()).scalar_one()
    old = load_evaluations(connection, evaluations.c.id == id).get(id)
    if old is None:
        return id, True
    if old.figures and new.figures and (old.program_hash, old.figures) != (new.program_hash, new.figures):
        log.warning(
            "not deterministic: recipe %r gave program %s (%s cycles), before it gave %s (%s cycles), same versions",
            new.recipe,
            new.program_hash[:12],
            new.figures.cycles,
            old.program_hash[:12],
            old.figures.cycles,
        )
    return id, weight(new) > weight(old)


def _retract_bests(connection: Connection, id: int, evaluation: Evaluation) -> None:
    gone = connection.execute(
        delete(bests).where(or_(bests.c.best_evaluation_id == id, bests.c.default_evaluation_id == id))
    )
    if gone.rowcount:
        log.warning("took back the best recipe %r: it turned out %s", evaluation.recipe, evaluation.status)


def _id_of(connection: Connection, table: Table, key: dict[str, Any], rest: dict[str, Any] | None = None) -> int:
    """The id of the row with this unique key, which is made (with the other columns) if there is none."""
    wanted = select(table.c.id).where(*(table.c[column] == value for column, value in key.items()))
    id = connection.execute(wanted).scalar()
    if id is None:
        id = _insert_new(connection, table, {**key, **(rest or {})})
    # None again: another process has just made it.
    return int(id if id is not None else connection.execute(wanted).scalar_one())


def _insert_new(connection: Connection, table: Table, values: dict[str, Any]) -> int | None:
    """Insert a row and give its id, or None if its unique key is taken."""
    return connection.execute(_insertion(connection.dialect.name, table), values).scalar()


@cache
def _insertion(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return statement.on_conflict_do_nothing().returning(table.c.id)
