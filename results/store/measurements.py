"""Measurements: what boards and simulators counted. A damaged row is skipped with a warning."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from results.records.identity import Target
from results.records.measurement import Measurement
from results.records.record import canonical_json
from results.store.database.database import Database
from results.store.database.tables import measurements, targets
from results.store.rows.identity_rows import target_row
from results.store.rows.insertion import insert_new
from results.store.rows.rows import target_values

log = logging.getLogger(__name__)


class Measurements:
    """The measurements of a store: the latest of each program on each device."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_all(self, measurements: Iterable[Measurement]) -> int:
        """Remember what boards and simulators counted: all of it or, if anything fails, none. A later measurement of
        the same program on the same device takes the place of an earlier one.

        Returns:
            How many of them changed the store.
        """
        with self._database.write() as connection:
            return sum(_write(connection, one) for one in measurements)

    def all(self, target: Target | None = None) -> list[Measurement]:
        """What was counted on a target, or on any, sorted by target, device and time of recording."""
        with self._database.read() as connection:
            return _load(connection, target)


def _write(connection: Connection, measurement: Measurement) -> bool:
    """Keep a measurement in the place of an earlier one of the same program on the same device.

    Returns:
        Whether the table changed: the same figures, reported again, change nothing.
    """
    text = canonical_json(measurement.to_json())
    target_id = target_row(connection, measurement.target)
    values = {"target_id": target_id, "label": measurement.label, "record_json": text}
    if insert_new(connection, measurements, {"key": measurement.key, **values}) is not None:
        return True
    row = measurements.c.key == measurement.key
    held = connection.execute(select(measurements.c.record_json).where(row).with_for_update()).scalar_one()
    if _figures(held) == _figures(text):
        return False
    connection.execute(update(measurements).where(row).values(values))
    return True


def _load(connection: Connection, target: Target | None) -> list[Measurement]:
    """Those of a target, or all: by target and device, then in the order of recording."""
    wanted = select(measurements.c.id, measurements.c.record_json).join(targets)
    if target is not None:
        wanted = wanted.where(*(targets.c[name] == value for name, value in target_values(target).items()))
    found = []
    for id, text in connection.execute(wanted.order_by(measurements.c.id)):
        try:
            found.append(Measurement.from_text(text))
        except (ValueError, TypeError) as error:
            log.warning("skipped measurement %s in the store: %s", id, error)
    return sorted(found, key=lambda one: (*target_values(one.target).values(), one.device))


def _figures(text: str) -> Measurement | None:
    """A stored record without the moment at which it was made; None if it is damaged."""
    try:
        return Measurement.from_json({**Measurement.from_text(text).to_json(), "created": ""})
    except (ValueError, TypeError):
        return None
