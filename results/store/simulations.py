"""Simulations: what a simulator counted for a candidate."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from results.errors import StoreError
from results.records.evaluation import Simulation
from results.store.database.database import Database
from results.store.database.fast_reads import FastReads
from results.store.database.tables import evaluations, identities, simulations
from results.store.identities import Identities
from results.store.rows.insertion import upsert
from results.store.rows.queries import intact
from results.store.rows.rows import Row, recipe_sha256, storable

_NAMES = ("simulator", "runner_sha256", "npu_cycles", "label", "created")


class Simulations:
    """The simulations of a store: the newest by each simulator and runner for each candidate."""

    def __init__(self, database: Database, identities: Identities) -> None:
        """The simulations in a database.

        Args:
            database: holds them.
            identities: finds the identities that they belong to.
        """
        self._database, self._identities = database, identities

    def record(self, simulation: Simulation) -> None:
        """Remember what a simulator counted.

        It replaces an earlier run of the same candidate, simulator and runner. The candidate's evaluation stays as it
        is.

        Raises:
            StoreError: the candidate was never evaluated.
        """
        with self._database.write() as connection:
            candidate = select(evaluations.c.id).where(
                evaluations.c.identity_id == self._identities.row_id(connection, simulation.identity_key),
                evaluations.c.recipe_sha256 == recipe_sha256(simulation.recipe),
            )
            id = connection.execute(candidate).scalar()
            if id is None:
                raise StoreError(
                    f"the store {self._database.location} has no evaluation of {simulation.recipe!r} to stand beside"
                )
            key = {
                "evaluation_id": id,
                "simulator": storable(simulation.simulator),
                "runner_sha256": simulation.runner_sha256,
            }
            figures = {name: getattr(simulation, name) for name in ("label", "npu_cycles", "created")}
            upsert(connection, simulations, key, figures)

    def of(self, identity_key: str) -> list[Simulation]:
        """All simulations of one identity's candidates, the fewest cycles first."""
        return load_simulations(self._database.fast_reads, identity_key)


@cache
def _simulations() -> Select[Any]:
    """Built once: it is part of every lookup, and building it takes longer than running it."""
    return (
        select(*(simulations.c[name] for name in _NAMES), evaluations.c.recipe, identities.c.key)
        .select_from(simulations.join(evaluations.join(identities)))
        .where(identities.c.key == bindparam("key"))
        .order_by(simulations.c.npu_cycles, evaluations.c.id, simulations.c.simulator, simulations.c.runner_sha256)
    )


def load_simulations(fast_reads: FastReads, identity_key: str) -> list[Simulation]:
    """Simulations of an identity's candidates, the fewest cycles first.

    Args:
        fast_reads: of the store.
        identity_key: key of the identity.

    Returns:
        Simulations; damaged ones are left out.
    """
    rows = fast_reads.rows(_simulations(), {"key": identity_key})
    found = (intact(row, f"simulation of {row['recipe']}", _simulation_of) for row in rows)
    return [simulation for simulation in found if simulation is not None]


def _simulation_of(row: Row) -> Simulation:
    fields = {name: row[name] for name in _NAMES}
    return Simulation.from_json({"identity_key": row["key"], "recipe": row["recipe"], **fields})
