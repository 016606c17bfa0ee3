"""Damage to a store, behind its back."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from results.store.database.connect import connect, store_url


def edit(where: Path | str, statement: str) -> bool:
    """Damage a store behind its back; whether the database lets that happen. SQLite does, as a broken file would."""
    if isinstance(where, Path):
        connection = sqlite3.connect(where)
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.execute(statement)
        connection.commit()
        connection.close()
        return True
    engine = connect(store_url(where))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    except DBAPIError:
        return False
    finally:
        engine.dispose()
    return True
