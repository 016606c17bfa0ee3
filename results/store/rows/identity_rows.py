"""Writing identities, and the models, targets and toolchains that they name, inside a transaction."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select, update

from results.records.identity import Facts, Identity, Target
from results.records.record import utc_now
from results.store.database.tables import identities, models, targets, toolchain_versions, toolchains
from results.store.rows.insertion import id_of, insertion
from results.store.rows.rows import facts_text, storable, structure_values, target_values


def write_identity(connection: Connection, identity: Identity) -> int:
    """Make an identity known, with the name and structure that it has now.

    Args:
        connection: the transaction to write in.
        identity: to make known; a structure of None leaves what is known.

    Returns:
        Its row id.
    """
    id = identity_row(connection, identity)
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


def identity_row(connection: Connection, identity: Identity) -> int:
    """The row of an identity, which is made if there is none. What is known of it does not change.

    Args:
        connection: the transaction to write in.
        identity: to find.

    Returns:
        Its row id.
    """
    model_id = id_of(connection, models, {"hash": identity.model_hash}, {"name": storable(identity.model_name)})
    return id_of(
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
    """The row of a target, which is made if there is none.

    Args:
        connection: the transaction to write in.
        target: to find.

    Returns:
        Its row id.
    """
    return id_of(connection, targets, target_values(target))


def _toolchain_row(connection: Connection, versions: Facts) -> int:
    id = id_of(connection, toolchains, {"versions": facts_text(versions)})
    known = select(toolchain_versions.c.name).where(toolchain_versions.c.toolchain_id == id).limit(1)
    if versions and connection.execute(known).first() is None:
        rows = [{"toolchain_id": id, "name": name, "version": version} for name, version in versions.items()]
        # Another process may have just written them.
        connection.execute(insertion(connection.dialect.name, toolchain_versions).on_conflict_do_nothing(), rows)
    return id
