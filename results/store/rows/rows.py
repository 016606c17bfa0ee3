"""Records to table rows and back. A damaged row raises ValueError or TypeError."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from results.records.evaluation import Evaluation
from results.records.figures import FIGURE_NAMES, OperatorRow
from results.records.identity import Facts, Identity, Structure, Target
from results.records.record import canonical_json

Row = Mapping[str, Any] | RowMapping
"""Of a table, by column."""

TARGET_NAMES = ("family", "target", "facts")
STRUCTURE_NAMES = tuple(f.name for f in fields(Structure))
_OPERATOR_NAMES = ("delegate", "name", "source_op", "target_op", "cycles", "compiler_cycles")


def recipe_sha256(recipe: str) -> str:
    """What the database indexes instead of a recipe's text."""
    return hashlib.sha256(recipe.encode()).hexdigest()


def storable(text: str) -> str:
    """Text for people (a toolchain's last words) without what a database refuses: NULs, half characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def facts_text(facts: Facts) -> str:
    """Facts as a column: one text for equal ones."""
    return canonical_json(dict(facts))


def target_values(target: Target) -> dict[str, str]:
    """The columns of `targets`."""
    return {"family": target.family, "target": target.name, "facts": facts_text(target.facts)}


def structure_values(structure: Structure) -> dict[str, str]:
    """The columns of `identities` for a structure."""
    return {f"structure_{name}": getattr(structure, name) for name in STRUCTURE_NAMES}


def evaluation_values(evaluation: Evaluation, identity_id: int) -> dict[str, Any]:
    """The columns of `evaluations` for a record.

    Args:
        evaluation: the record; its command streams and operators have tables of their own.
        identity_id: row id of its identity.

    Returns:
        Values by column name.
    """
    figures = evaluation.figures
    return {
        "identity_id": identity_id,
        "recipe": evaluation.recipe,
        "recipe_sha256": recipe_sha256(evaluation.recipe),
        "program_hash": evaluation.program_hash,
        "status": evaluation.status,
        "reason": storable(evaluation.reason),
        "verified": evaluation.verified,
        "check_json": json.dumps(evaluation.check),
        "exactness": evaluation.exactness,
        "quality_json": json.dumps(evaluation.quality.to_json()) if evaluation.quality else None,
        "label": figures.label if figures else None,
        **{name: getattr(figures, name) if figures else None for name in FIGURE_NAMES},
        "metrics_json": json.dumps(figures.metrics) if figures else None,
        "attempts": evaluation.attempts,
        "seconds": evaluation.seconds,
        "created": evaluation.created,
    }


def operators_text(operators: tuple[OperatorRow, ...]) -> str:
    """The column `operator_tables.rows_json`: a list of rows instead of objects, a third of the size."""
    return json.dumps([[getattr(row, name) for name in _OPERATOR_NAMES] for row in operators])


def evaluation_of(row: Row, streams: list[str]) -> Evaluation:
    """The record of a row of `evaluations` joined with `identities.key` and `operator_tables.rows_json`.

    Args:
        row: by column name; `verified` is 0 or 1.
        streams: SHA-256 of the command streams of its delegates, in hexadecimal and in order.

    Returns:
        The record.

    Raises:
        ValueError, TypeError: the row is damaged.
    """
    figures = None
    if row["label"] is not None:
        numbers = {name: row[name] for name in FIGURE_NAMES}
        figures = {"label": row["label"], **numbers, "metrics": json.loads(row["metrics_json"])}
    operators = json.loads(row["rows_json"]) if row["rows_json"] is not None else []
    evaluation = Evaluation.from_json(
        {
            "identity_key": row["key"],
            "recipe": row["recipe"],
            "program_hash": row["program_hash"],
            "status": row["status"],
            "reason": row["reason"],
            "figures": figures,
            "verified": {0: False, 1: True}.get(row["verified"]),
            "check": json.loads(row["check_json"]),
            "exactness": row["exactness"],
            "quality": json.loads(row["quality_json"]) if row["quality_json"] is not None else None,
            "command_stream_sha256": streams,
            "operators": [dict(zip(_OPERATOR_NAMES, values, strict=True)) for values in operators],
            "attempts": row["attempts"],
            "seconds": row["seconds"],
            "created": row["created"],
        }
    )
    if recipe_sha256(evaluation.recipe) != row["recipe_sha256"]:
        raise ValueError("its recipe does not fit its hash")
    return evaluation


def identity_of(row: Row) -> Identity:
    """The record of a row of `identities` joined with its model, target and toolchain.

    Raises:
        ValueError, TypeError: the row is damaged, or the stored key is not the key of the stored content.
    """
    structure = [row[f"structure_{name}"] for name in STRUCTURE_NAMES]
    identity = Identity(
        model_hash=row["model_hash"],
        model_name=row["model_name"],
        target=Target(row["family"], row["target"], json.loads(row["facts"])),
        quantisation=json.loads(row["quantisation"]),
        versions=json.loads(row["versions"]),
        search_space_version=row["search_space_version"],
        objective=json.loads(row["objective"]),
        io_layout=row["io_layout"],
        structure=Structure(*structure) if structure[0] is not None else None,
    )
    if identity.key != row["key"]:
        raise ValueError("its key does not fit its content")
    return identity
