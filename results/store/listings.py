"""Bests in short, by the hundred: one statement, and nothing of operators or checks is read.

A *series* is what is the same but for the model's content and the versions. It has one model name, target,
quantisation, objective and layout of inputs. Its members are comparable; over time they tell what toolchains did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from results.records.compare import Gain
from results.records.record import ExactnessClass, Label, RunStatus, Status
from results.store.database.database import Database
from results.store.database.tables import bests, evaluations, identities, models, targets, toolchains

_default, _best = evaluations.alias("of_default"), evaluations.alias("of_best")
_SERIES = (
    models.c.name, identities.c.target_id, identities.c.quantisation, identities.c.objective, identities.c.io_layout,
)  # fmt: skip
_TABLES = (
    bests.join(identities)
    .join(models)
    .join(targets)
    .join(toolchains)
    .join(_default, _default.c.id == bests.c.default_evaluation_id)
    .join(_best, _best.c.id == bests.c.best_evaluation_id)
)
_COLUMNS: tuple[Any, ...] = (
    identities.c.key.label("identity"),
    models.c.name.label("model"),
    models.c.hash.label("model_hash"),
    targets.c.family,
    targets.c.target,
    targets.c.facts,
    identities.c.quantisation,
    identities.c.objective,
    identities.c.io_layout,
    toolchains.c.versions,
    identities.c.search_space_version,
    _best.c.recipe,
    _best.c.exactness,
    _best.c.label,
    _default.c.cycles.label("default_cycles"),
    _default.c.metrics_json.label("default_metrics"),
    _default.c.status.label("default_status"),
    _best.c.cycles.label("best_cycles"),
    _best.c.metrics_json.label("best_metrics"),
    bests.c.evaluations,
    bests.c.seconds,
    bests.c.status,
    bests.c.updated,
)
_OBJECTS = ("facts", "quantisation", "objective", "versions", "default_metrics", "best_metrics")
# What may be shown as a best, asked of every row however it came to be in the table.
_SOUND = and_(
    _best.c.status == "ok", _best.c.verified, _default.c.status.in_(("ok", "wrong")), _default.c.cycles.is_not(None),
    _best.c.identity_id == identities.c.id, _default.c.identity_id == identities.c.id,
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A best without its operators; verified, or it would not be one.

    Attributes:
        default_status: `wrong` where the compiler makes something else of the default lowering.
        updated: UTC.
    """

    identity: str
    model: str
    model_hash: str
    family: str
    target: str
    facts: dict[str, str]
    quantisation: dict[str, str]
    objective: dict[str, str]
    io_layout: str
    versions: dict[str, str]
    search_space_version: str
    recipe: str
    exactness: ExactnessClass
    label: Label
    default_cycles: int
    default_metrics: dict[str, int]
    default_status: Status
    best_cycles: int
    best_metrics: dict[str, int]
    evaluations: int
    seconds: float
    status: RunStatus
    updated: str

    @property
    def gain(self) -> Gain:
        return Gain(self.default_cycles, self.best_cycles)


class Listings:
    """Bests in short, of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, model: str, target: str, limit: int, offset: int) -> tuple[list[Line], int]:
        """The newest best of each series by model and target, and how many there are in all.

        Args:
            model: part of the name, in any case; empty for any.
            target: name of the device; empty for any.
            limit: the most that are returned.
            offset: lines before them that are passed over.

        Returns:
            Lines by model and target, and the number of series.
        """
        place = func.row_number().over(partition_by=_SERIES, order_by=bests.c.updated.desc()).label("place")
        ranked = _wanted(place).where(models.c.name.icontains(model, autoescape=True))
        if target:
            ranked = ranked.where(targets.c.target == target)
        newest = ranked.subquery()
        columns = [newest.c[column.name] for column in _COLUMNS]
        page = select(*columns).where(newest.c.place == 1).order_by(newest.c.model, newest.c.target, newest.c.identity)
        count = select(func.count()).select_from(newest).where(newest.c.place == 1)
        with self._database.read() as connection:
            return _lines(connection, page.limit(limit).offset(offset)), connection.execute(count).scalar_one()

    def series(self, identity_key: str) -> list[Line]:
        """All members of the series that an identity is in, the oldest first."""
        of_identity = identities.c.key == identity_key
        member = select(*_SERIES).select_from(identities.join(models)).where(of_identity).subquery()
        same = and_(*(own == asked for own, asked in zip(_SERIES, member.c, strict=True)))
        with self._database.read() as connection:
            return _lines(connection, _wanted().join(member, same).order_by(bests.c.updated))

    def regressions(self, percent: float, limit: int) -> list[tuple[Line, Line]]:
        """Members that cost more than the one before them in their series, the newest first.

        Only where the model's content is the same: another model may cost what it likes.

        Args:
            percent: of the earlier cycles; only those that cost more than so much more are returned.
            limit: the most that are returned.

        Returns:
            Pairs of the earlier member and the later one.
        """
        before = {
            name: func.lag(column).over(partition_by=(*_SERIES, models.c.hash, _best.c.label), order_by=bests.c.updated)
            for name, column in (("cycles_before", _best.c.cycles), ("identity_before", identities.c.key))
        }
        ranked = _wanted(*(column.label(name) for name, column in before.items())).subquery()
        worse = (
            select(ranked.c.identity, ranked.c.identity_before)
            .where(ranked.c.best_cycles * 100.0 > ranked.c.cycles_before * (100.0 + percent))
            .order_by(ranked.c.updated.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            pairs = [(after, before) for after, before in connection.execute(worse)]
            keys = {key for pair in pairs for key in pair}
            known = {line.identity: line for line in _lines(connection, _wanted().where(identities.c.key.in_(keys)))}
        return [(known[before], known[after]) for after, before in pairs if before in known and after in known]

    def target_names(self) -> list[str]:
        """Devices that there are bests for."""
        known = select(targets.c.target).select_from(bests.join(identities).join(targets)).distinct()
        with self._database.read() as connection:
            return sorted(connection.execute(known).scalars())


def _wanted(*more: object) -> Select[tuple[object, ...]]:
    return select(*_COLUMNS, *more).select_from(_TABLES).where(_SOUND)


def _lines(connection: Connection, statement: Select[tuple[object, ...]]) -> list[Line]:
    rows = connection.execute(statement).mappings()
    return [Line(**{**row, **{name: json.loads(row[name]) for name in _OBJECTS}}) for row in rows]
