"""Writing evaluations inside a transaction: of two records of a candidate the weightier one stays."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from results.records.evaluation import Evaluation
from results.records.precedence import REFUTING, weight
from results.store.database.tables import bests, claims, command_streams, evaluations, operator_tables
from results.store.rows.insertion import insert_new
from results.store.rows.queries import load_evaluations
from results.store.rows.rows import evaluation_values, operators_text

log = logging.getLogger(__name__)

# Built once: a search writes evaluations all the time, and to build a statement takes longer than to execute it.
_CLAIM_OF = delete(claims).where(
    claims.c.identity_id == bindparam("identity"), claims.c.recipe_sha256 == bindparam("sha256")
)
_INSERT_STREAMS, _INSERT_OPERATORS = insert(command_streams), insert(operator_tables)


def write_evaluation(connection: Connection, evaluation: Evaluation, identity_id: int) -> tuple[int, bool]:
    """Keep the weightier of the stored and the new record of a candidate.

    A claim that the record settles is removed.

    The candidate's row stays locked until the transaction ends.

    Args:
        connection: the transaction to write in.
        evaluation: the new record.
        identity_id: row id of its identity.

    Returns:
        Its row id, and whether the table changed.
    """
    values = evaluation_values(evaluation, identity_id)
    if evaluation.verified or evaluation.status in REFUTING:
        claimed = connection.execute(_CLAIM_OF, {"identity": identity_id, "sha256": values["recipe_sha256"]}).rowcount
        if claimed and not evaluation.verified:
            log.warning("forgot the imported recipe %r: it turned out %s", evaluation.recipe, evaluation.status)
    id = insert_new(connection, evaluations, values)
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
