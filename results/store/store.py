"""The store: every evaluation ever made, and the best recipe for each identity.

    with Store.open() as store:
        store.register(identity)
        store.record_evaluation(evaluation)
        store.set_best(best)

Any number of processes may use one store at once. Every call is one transaction: a process killed inside it
leaves nothing of that call and all of the calls before. Rows that turn out to be damaged are skipped with a
warning in the log; a store that cannot be used at all raises StoreError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, distinct, func, or_, select

from results.errors import StoreError
from results.records.best import Best
from results.records.claim import Claim, ImportOutcome
from results.records.evaluation import Evaluation, Simulation
from results.records.identity import Facts, Identity, Structure, Target
from results.records.measurement import Measurement
from results.records.precedence import REFUTING
from results.records.recipe_text import elements
from results.store import measurement_rows, night_rows
from results.store.database.commit_marks import Changes
from results.store.database.connect import connect, one_line_errors, place, store_url, writer_of
from results.store.database.schema import check, prepare
from results.store.database.tables import bests, command_streams, evaluations, identities, models, targets
from results.store.fast_reads import FastReads
from results.store.listings import Line, newest_lines, regressions, series_lines, target_names
from results.store.lookup_queries import any_offer, claimed_bests, offers_of_model, offers_of_structure
from results.store.lookup_query import Offered, offered
from results.store.night_rows import JobNote, OpenNight
from results.store.queries import OFFERED, load_bests, load_evaluations, load_identities, load_simulations
from results.store.rows import recipe_sha256, target_values
from results.store.writes import (
    settle_claim,
    write_best,
    write_claim,
    write_evaluation,
    write_identity,
    write_simulation,
)


class Store:
    """A results store; made by `Store.open`, closed by `close` or at the end of a `with`."""

    def __init__(self, engine: Engine, location: str) -> None:
        self.location = location
        self._engine = engine
        self._writer = writer_of(engine)
        self.fast_reads = FastReads(engine, location)
        self._identity_ids: dict[str, int] = {}
        self.changes = Changes(engine)

    @classmethod
    def open(cls, where: str | Path | None = None, *, read_only: bool = False) -> Self:
        """Open a store, creating it or upgrading its schema when needed.

        Args:
            where: a path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; None for the user's
                own store in the folder that the operating system keeps for application data.
            read_only: neither create nor change anything.

        Raises:
            StoreError: the store cannot be reached, read or written, has a schema that is not known here, or is none.
        """
        url = store_url(where)
        location = place(url)
        engine = connect(url, read_only)
        try:
            with one_line_errors(location):
                (check if read_only else prepare)(engine, location)
        except StoreError:
            engine.dispose()
            raise
        return cls(engine, location)

    def close(self) -> None:
        """Close all connections."""
        self.changes.close()
        self._engine.dispose()
        self.fast_reads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def register(self, identity: Identity) -> None:
        """Make an identity known; evaluations of it can be recorded from then on. Idempotent."""
        with self._write() as connection:
            write_identity(connection, identity)

    def record_evaluation(self, evaluation: Evaluation) -> bool:
        """Remember an evaluation; a candidate (identity and recipe) never has more than one record.

        When there is one already, `results.records.precedence` says which of the two stays. A best whose candidate
        turns out to be wrong is taken back in the same transaction.

        Returns:
            Whether the store changed.

        Raises:
            StoreError: the evaluation's identity was never registered.
        """
        return self.record_evaluations([evaluation]) == 1

    def record_evaluations(self, evaluations: Iterable[Evaluation]) -> int:
        """`record_evaluation` of several in one transaction: all of them are remembered or, if anything fails, none.

        Returns:
            How many of them changed the store.
        """
        with self._write() as connection:
            return sum(
                write_evaluation(connection, one, self._identity_id(connection, one.identity_key))[1]
                for one in evaluations
            )

    def record_simulation(self, simulation: Simulation) -> None:
        """Remember what a simulator counted; takes the place of an earlier run of the same candidate, simulator and
        runner. The candidate's evaluation stays as it is.

        Raises:
            StoreError: the candidate was never evaluated.
        """
        with self._write() as connection:
            candidate = select(evaluations.c.id).where(
                evaluations.c.identity_id == self._identity_id(connection, simulation.identity_key),
                evaluations.c.recipe_sha256 == recipe_sha256(simulation.recipe),
            )
            id = connection.execute(candidate).scalar()
            if id is None:
                raise StoreError(
                    f"the store {self.location} has no evaluation of {simulation.recipe!r} to stand beside"
                )
            write_simulation(connection, simulation, id)

    def record_measurements(self, measurements: Iterable[Measurement]) -> int:
        """Remember what boards and simulators counted: all of it or, if anything fails, none. A later measurement of
        the same program on the same device takes the place of an earlier one.

        Returns:
            How many of them changed the store.
        """
        with self._write() as connection:
            return sum(measurement_rows.write_measurement(connection, one) for one in measurements)

    def measurements(self, target: Target | None = None) -> list[Measurement]:
        """What was counted on a target, or on any: by target and device, then in the order of recording."""
        with self._read() as connection:
            return measurement_rows.load_measurements(connection, target)

    def set_best(self, best: Best) -> Best:
        """Remember the outcome of a search, with both of its evaluations, in one transaction.

        A cheaper best that is stored already stays as it is (another process may have found it); at equal
        cycles the recipe of fewer elements stays, then the one that needs less SRAM. Both have the same identity, so
        their cycles are comparable.

        Returns:
            The best that the store holds now.

        Raises:
            StoreError: the best is not ok and verified, costs more than a default that is right, does not belong to the
                identity, or is known to be wrong. Nothing is stored then.
        """
        fault = _fault(best)
        if fault:
            raise StoreError(f"the recipe {best.recipe!r} for {best.identity.model_name} cannot be a best: {fault}")
        with self._write() as connection:
            identity_id = write_identity(connection, best.identity)
            # Searches over one identity decide one after another; on SQLite the write lock sees to it.
            lock = select(identities.c.id).where(identities.c.id == identity_id).with_for_update()
            connection.execute(lock)
            default_id, _ = write_evaluation(connection, best.default, identity_id)
            best_id, _ = write_evaluation(connection, best.best, identity_id)
            ranked_by = select(evaluations.c.cycles, evaluations.c.sram_bytes, evaluations.c.recipe)
            new = connection.execute(ranked_by.where(evaluations.c.id == best_id, OFFERED)).first()
            if new is None:
                raise StoreError(
                    f"the recipe {best.recipe!r} for {best.identity.model_name} cannot be a best: "
                    f"the store {self.location} knows an input for which its outputs are wrong"
                )
            held = connection.execute(
                ranked_by.join(bests, bests.c.best_evaluation_id == evaluations.c.id).where(
                    bests.c.identity_id == identity_id, OFFERED
                )
            ).first()
            if held is None or _order(*new) <= _order(*held):
                write_best(connection, best, identity_id, default_id, best_id)
            settle_claim(connection, identity_id, new.cycles)
            stored = load_bests(connection, identities.c.id == identity_id)
            if not stored:
                raise StoreError(f"the best of {best.identity.model_name} cannot be read from {self.location}")
        return stored[0]

    def import_claims(self, entries: Iterable[tuple[Identity, Claim]]) -> list[ImportOutcome]:
        """Take over what other people's searches found, all of it or, if anything fails, nothing.

        What is claimed stands beside the store's own bests, is looked up where there is none of its own, and is not
        verified. It stays until its recipe is evaluated here, or a best is that is as good. Of two claims for an
        identity the later one stays.

        Returns:
            What became of each.
        """
        with self._write() as connection:
            return [write_claim(connection, identity, claim) for identity, claim in entries]

    def shareable(self) -> list[Best]:
        """Every best, and of identities without one what was imported, by model name, target and age."""
        with self._read() as connection:
            own = load_bests(connection)
            claimed = claimed_bests(connection)
        have = {best.identity.key for best in own}
        return own + [best for best in claimed if best.identity.key not in have]

    def best(self, identity_key: str) -> Best | None:
        """The best recipe for exactly this identity."""
        with self._read() as connection:
            found = load_bests(connection, identities.c.key == identity_key)
        return found[0] if found else None

    def bests(self) -> list[Best]:
        """Every best, by model name, target and age (newest first)."""
        with self._read() as connection:
            return load_bests(connection)

    def newest(self, limit: int) -> list[Best]:
        """The bests that were found last, of any model and target, the newest first; with their operators."""
        with self._read() as connection:
            order = select(bests.c.identity_id).order_by(bests.c.updated.desc(), bests.c.identity_id).limit(limit)
            ids = list(connection.execute(order).scalars())
            found = load_bests(connection, identities.c.id.in_(ids))
            keys = dict(
                connection.execute(select(identities.c.key, identities.c.id).where(identities.c.id.in_(ids))).all()
            )
        return sorted(found, key=lambda best: ids.index(keys[best.identity.key]))

    def known(self, identity: Identity) -> list[Best]:
        """Bests of the same model, target, quantisation, objective and layout of the inputs: those that differ in the
        fewest versions first, then the newest; each as in `offered`."""
        return list(offers_of_model(self.fast_reads, identity))

    def offered(self, identity: Identity) -> Offered:
        """What `results.lookup.lookup` answers from: one best, without command streams, operators and how it was
        checked.

        One that is not verified comes from a file: the store has none of its own for that identity.
        """
        return offered(self.fast_reads, identity, self.changes.mark() if self.changes.at_hand else None)

    def similar(
        self, structure: Structure, target: Target | None = None, *, objective: Facts | None = None,
        io_layout: str | None = None, limit: int = 16,
    ) -> list[Best]:  # fmt: skip
        """Bests of models of the same operators and edges: those of the same shapes first, of these the newest first.

        Their weights, quantisation and toolchain are their own (see `Best.identity`): each holds a recipe to try, no
        more. A best of the very model that is asked for may be among them. Each is as in `offered`.

        Args:
            structure: of the lowered model that recipes are wanted for; `shapes` only orders the answer.
            target, objective, io_layout: what they must be for; None for any.
            limit: the most that are returned; where there are more, the latest identities are chosen from.
        """
        return list(offers_of_structure(self.fast_reads, structure, target, objective, io_layout, limit))

    def knows_others(self, identity: Identity) -> bool:
        """Whether there is a best of any model for the target, objective and layout of an identity: only then can
        `similar` have something for it."""
        with self._read() as connection:
            return any_offer(connection, identity)

    def bests_like(self, identity: Identity) -> list[Best]:
        """The bests of a model's content or of its name on one target; the identity that was met last comes first.
        `results.nightly.night.comparable` says which may be compared.
        """
        same_board = [targets.c[name] == value for name, value in target_values(identity.target).items()]
        model = or_(models.c.hash == identity.model_hash, models.c.name == identity.model_name)
        with self._read() as connection:
            found = load_bests(connection, model, *same_board)
            created = night_rows.load_created(connection, {best.identity.key for best in found})
        return sorted(found, key=lambda best: created.get(best.identity.key, ""), reverse=True)

    def updated(self, identity_key: str) -> str | None:
        """When the best of an identity was stored last: by the latest search that found nothing cheaper, too."""
        with self._read() as connection:
            return night_rows.load_updated(connection, identity_key)

    def night(self, suite: str) -> OpenNight | None:
        """The latest night of a suite."""
        with self._read() as connection:
            return night_rows.load_night(connection, suite)

    def set_night(self, night: OpenNight) -> None:
        """Remember how far a night is; it takes the place of the suite's earlier nights."""
        with self._write() as connection:
            night_rows.write_night(connection, night)

    def night_notes(self, suite: str) -> dict[str, JobNote]:
        """What the nights of a suite remember, by job."""
        with self._read() as connection:
            return night_rows.load_notes(connection, suite)

    def set_night_note(self, suite: str, note: JobNote) -> None:
        """Remember something about a job."""
        with self._write() as connection:
            night_rows.write_note(connection, suite, note)

    def hashes_named(self, model_name: str) -> set[str]:
        """Content hashes of the models that were registered under a name."""
        with self._read() as connection:
            return set(connection.execute(select(models.c.hash).where(models.c.name == model_name)).scalars())

    def evaluation(self, identity_key: str, recipe: str) -> Evaluation | None:
        """The record of one candidate."""
        with self._read() as connection:
            found = load_evaluations(
                connection,
                identities.c.key == identity_key,
                evaluations.c.recipe_sha256 == recipe_sha256(recipe),
            )
        return next(iter(found.values()), None)

    def identity(self, key: str) -> Identity | None:
        """The identity of a key; None if this store was never told it, or cannot read it."""
        with self._read() as connection:
            return load_identities(connection, {key}).get(key)

    def refutes(self, best: Best) -> bool:
        """Whether this store knows that the recipe of a best from elsewhere does not hold for its identity."""
        one = self.evaluation(best.identity.key, best.recipe)
        return one is not None and one.status in REFUTING

    def evaluations(self, identity_key: str) -> list[Evaluation]:
        """All records of one identity, in the order in which their candidates were first recorded."""
        with self._read() as connection:
            return list(load_evaluations(connection, identities.c.key == identity_key).values())

    def simulations(self, identity_key: str) -> list[Simulation]:
        """All simulations of one identity's candidates, the fewest cycles first."""
        return load_simulations(self.fast_reads, identity_key)

    def counts(self, identity_key: str) -> tuple[int, int]:
        """How many candidates of an identity were evaluated, and to how many distinct programs they came."""
        programs = func.count(distinct(func.nullif(evaluations.c.program_hash, "")))
        counting = (
            select(func.count(evaluations.c.id), programs)
            .select_from(evaluations.join(identities))
            .where(identities.c.key == identity_key)
        )
        with self._read() as connection:
            made, different = connection.execute(counting).one()
        return int(made), int(different)

    def newest_lines(self, model: str, target: str, limit: int, offset: int) -> tuple[list[Line], int]:
        """See `results.store.listings.newest_lines`."""
        with self._read() as connection:
            return newest_lines(connection, model, target, limit, offset)

    def series_lines(self, identity_key: str) -> list[Line]:
        """See `results.store.listings.series_lines`."""
        with self._read() as connection:
            return series_lines(connection, identity_key)

    def regressions(self, percent: float, limit: int) -> list[tuple[Line, Line]]:
        """See `results.store.listings.regressions`."""
        with self._read() as connection:
            return regressions(connection, percent, limit)

    def target_names(self) -> list[str]:
        """Those that there are bests for."""
        with self._read() as connection:
            return target_names(connection)

    def find_by_command_stream(self, sha256: str, limit: int = 100) -> list[tuple[Identity, Evaluation]]:
        """Evaluations with a delegate of this command stream: verified ones first, then the newest first.

        Other recipes and other toolchains may come to the same stream; at most `limit` are returned.
        """
        wanted = (
            select(evaluations.c.id)
            .join(command_streams)
            .where(command_streams.c.sha256 == sha256)
            .group_by(evaluations.c.id)
            .order_by(evaluations.c.verified.desc(), evaluations.c.id.desc())
            .limit(limit)
        )
        with self._read() as connection:
            ids = list(connection.execute(wanted).scalars())
            found = load_evaluations(connection, evaluations.c.id.in_(ids))
            known = load_identities(connection, {evaluation.identity_key for evaluation in found.values()})
        ordered = [found[id] for id in ids if id in found]
        return [(known[e.identity_key], e) for e in ordered if e.identity_key in known]

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with one_line_errors(self.location), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with one_line_errors(self.location), self._writer.begin() as connection:
            yield connection

    def _identity_id(self, connection: Connection, key: str) -> int:
        known = self._identity_ids.get(key)
        if known is None:
            known = connection.execute(select(identities.c.id).where(identities.c.key == key)).scalar()
            if known is None:
                raise StoreError(f"the store {self.location} was never told the identity {key}: register it first")
            self._identity_ids[key] = known
        return known


def _order(cycles: int, sram_bytes: int, recipe: str) -> tuple[int, int, int, str]:
    """Bests of one identity from good to less good: of equals the shorter recipe, then the one that needs less SRAM.
    Total, so that the order of arrival does not matter."""
    return cycles, len(elements(recipe)), sram_bytes, recipe


def _fault(best: Best) -> str:
    """Why this may not be stored as a best; empty if it may."""
    key = best.identity.key
    if best.default.identity_key != key or best.best.identity_key != key:
        return "its evaluations belong to another model, target or toolchain"
    if best.recipe != best.best.recipe:
        return f"it was evaluated as {best.best.recipe!r}"
    if best.best.status != "ok" or best.best.figures is None:
        return f"its status is {best.best.status} ({best.best.reason})"
    if not best.best.verified:
        return "its outputs were not verified"
    if best.default.figures is None or (best.default.status != "ok" and not best.default_fault):
        return f"the default lowering's status is {best.default.status} ({best.default.reason})"
    if best.best.figures.label != best.default.figures.label:
        return "its figures and the default's are not of the same kind"
    if best.best.figures.cycles > best.default.figures.cycles and not best.default_fault:
        return "it costs more cycles than the default"
    return ""
