"""Rows with a unique key: inserted unless another process was first, or replacing what is there."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert


def id_of(connection: Connection, table: Table, key: dict[str, Any], rest: dict[str, Any] | None = None) -> int:
    """The row with a unique key, which is made if there is none.

    Args:
        connection: the transaction to write in.
        table: of the row.
        key: the columns of the unique key, and their values.
        rest: the other columns of a new row; None for none.

    Returns:
        Its id.
    """
    wanted = select(table.c.id).where(*(table.c[column] == value for column, value in key.items()))
    id = connection.execute(wanted).scalar()
    if id is None:
        id = insert_new(connection, table, {**key, **(rest or {})})
    # None again: another process has just made it.
    return int(id if id is not None else connection.execute(wanted).scalar_one())


def insert_new(connection: Connection, table: Table, values: dict[str, Any]) -> int | None:
    """Insert a row unless its unique key is taken.

    Args:
        connection: the transaction to write in.
        table: to insert into.
        values: by column name.

    Returns:
        Its id, or None if the key is taken.
    """
    return connection.execute(_insertion(connection.dialect.name, table), values).scalar()


@cache
def _insertion(dialect: str, table: Table) -> ReturningInsert[Any]:
    return insertion(dialect, table).on_conflict_do_nothing().returning(table.c.id)


def upsert(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or change the one that has its unique key.

    Args:
        connection: the transaction to write in.
        table: of the row.
        key: the columns of a unique key, and their values.
        values: the other columns.
    """
    statement = insertion(connection.dialect.name, table).values({**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def insertion(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT in the dialect of a connection's database, with its clause for a key that exists.

    Args:
        dialect: name of the database's dialect, `sqlite` or `postgresql`.
        table: to insert into.

    Returns:
        The statement, without values.
    """
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
