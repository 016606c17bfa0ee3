"""Evaluations: what came of each candidate of a search."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import distinct, func, select

from results.records.best import Best
from results.records.evaluation import Evaluation
from results.records.precedence import REFUTING
from results.store.database.database import Database
from results.store.database.tables import evaluations, identities
from results.store.identities import Identities
from results.store.rows.evaluation_rows import write_evaluation
from results.store.rows.queries import load_evaluations
from results.store.rows.rows import recipe_sha256


class Evaluations:
    """The evaluations of a store: at most one for each candidate, which is an identity and a recipe."""

    def __init__(self, database: Database, identities: Identities) -> None:
        """The evaluations in a database.

        Args:
            database: holds them.
            identities: finds the identities that they belong to.
        """
        self._database, self._identities = database, identities

    def record(self, evaluation: Evaluation) -> bool:
        """Remember an evaluation; a candidate (identity and recipe) never has more than one record.

        When there is one already, `results.records.precedence` says which of the two stays. A best whose candidate
        turns out to be wrong is taken back in the same transaction.

        Returns:
            Whether the store changed.

        Raises:
            StoreError: the evaluation's identity was never registered.
        """
        return self.record_all([evaluation]) == 1

    def record_all(self, evaluations: Iterable[Evaluation]) -> int:
        """`record` of several in one transaction: all of them are remembered or, if anything fails, none.

        Returns:
            How many of them changed the store.
        """
        with self._database.write() as connection:
            return sum(
                write_evaluation(connection, one, self._identities.row_id(connection, one.identity_key))[1]
                for one in evaluations
            )

    def get(self, identity_key: str, recipe: str) -> Evaluation | None:
        """The record of one candidate.

        Args:
            identity_key: key of the identity.
            recipe: its text, in the form in which it was recorded.

        Returns:
            The evaluation; None if there is none, or its row is damaged.
        """
        with self._database.read() as connection:
            found = load_evaluations(
                connection,
                identities.c.key == identity_key,
                evaluations.c.recipe_sha256 == recipe_sha256(recipe),
            )
        return next(iter(found.values()), None)

    def of(self, identity_key: str) -> list[Evaluation]:
        """All records of one identity, in the order in which their candidates were first recorded."""
        with self._database.read() as connection:
            return list(load_evaluations(connection, identities.c.key == identity_key).values())

    def refute(self, best: Best) -> bool:
        """Whether this store knows that the recipe of a best from elsewhere does not hold for its identity."""
        one = self.get(best.identity.key, best.recipe)
        return one is not None and one.status in REFUTING

    def counts(self, identity_key: str) -> tuple[int, int]:
        """How many candidates of an identity were evaluated, and to how many distinct programs they came."""
        programs = func.count(distinct(func.nullif(evaluations.c.program_hash, "")))
        counting = (
            select(func.count(evaluations.c.id), programs)
            .select_from(evaluations.join(identities))
            .where(identities.c.key == identity_key)
        )
        with self._database.read() as connection:
            made, different = connection.execute(counting).one()
        return int(made), int(different)
