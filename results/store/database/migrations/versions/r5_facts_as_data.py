"""Facts of targets, versions, objectives and metrics as data, for families of targets that have others than Ethos-U.

What identities are made of has changed, and so have their keys. No earlier result can be found by a key from now on.
Evaluations, bests, imported bests and nights are forgotten. What users measured is kept.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"
branch_labels = None
depends_on = None

_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
#: The configuration file that Vela 5.1.0 brings along, which goes by its name from now on.
_BUNDLED = "720a0f002b869c02a94a59d88c3392827fbb87419257ff8272bc4edeaca33172"
_REFERENCES = (
    ("identities", "target_id", "targets"), ("measurements", "target_id", "targets"),
    ("identities", "toolchain_id", "toolchains"),
)  # fmt: skip
_FIGURES = (
    "stream_cycles", "conservative_cycles", "vela_cycles", "host_cycles", "transposes", "transpose_cycles", "npu_ops",
    "host_ops", "delegates", "arena_bytes", "macs",
)  # fmt: skip


def upgrade() -> None:
    measurements = op.get_bind().execute(sa.text("SELECT record_json, label FROM measurements ORDER BY id")).all()
    for table in (
        "measurements", "bests", "claims", "simulations", "operator_tables", "command_streams", "evaluations",
        "identities", "models", "nights", "night_jobs",
    ):  # fmt: skip
        op.execute(sa.delete(sa.table(table)))
    _replace_targets_and_toolchains()
    for figure in _FIGURES:
        op.drop_column("evaluations", figure)
    op.add_column("evaluations", sa.Column("metrics_json", sa.Text))
    for text, label in measurements:
        _keep(json.loads(text), label)


def _replace_targets_and_toolchains() -> None:
    # SQLite cannot change a constraint, and lets a table be dropped that only empty tables refer to.
    named = op.get_bind().dialect.name != "sqlite"
    for table, column, _ in _REFERENCES if named else ():
        op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    op.drop_table("targets")
    op.drop_table("toolchains")
    op.create_table(
        "targets",
        sa.Column("id", _id, nullable=False),
        sa.Column("family", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint("family", "target", "facts", name=op.f("uq_targets_board")),
    )
    op.create_table(
        "toolchains",
        sa.Column("id", _id, nullable=False),
        sa.Column("versions", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_toolchains")),
        sa.UniqueConstraint("versions", name=op.f("uq_toolchains_versions")),
    )
    op.create_table(
        "toolchain_versions",
        sa.Column("toolchain_id", _id, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("toolchain_id", "name", name=op.f("pk_toolchain_versions")),
        sa.ForeignKeyConstraint(["toolchain_id"], ["toolchains.id"], name=op.f("fk_toolchain_versions_toolchain_id")),
    )
    for table, column, other in _REFERENCES if named else ():
        op.create_foreign_key(f"fk_{table}_{column}", table, other, [column], ["id"])


def _keep(record: dict[str, object], label: str) -> None:
    """A measurement under the target as it is written now. A damaged one is left out."""
    old = record.get("target")
    if not isinstance(old, dict) or "accelerator" not in old:
        return
    config = old["vela_config_sha256"]
    facts = {name: old[name] for name in ("system_config", "memory_mode")}
    facts["vela_config"] = "Arm/vela.ini" if config == _BUNDLED else f"sha256 {config}"
    target = {"family": "ethos-u", "name": old["accelerator"], "facts": facts}
    content = [target, record["device"], record["label"], record["program_sha256"]]
    bind = op.get_bind()
    values = {"family": target["family"], "target": target["name"], "facts": _canonical(facts)}
    found = bind.execute(
        sa.text("SELECT id FROM targets WHERE family = :family AND target = :target AND facts = :facts"), values
    ).scalar()
    if found is None:
        bind.execute(sa.text("INSERT INTO targets (family, target, facts) VALUES (:family, :target, :facts)"), values)
        return _keep(record, label)
    bind.execute(
        sa.text(
            "INSERT INTO measurements (key, target_id, label, record_json) VALUES (:key, :target_id, :label, :record)"
        ),
        {
            "key": hashlib.sha256(_canonical(content).encode()).hexdigest(), "target_id": found, "label": label,
            "record": _canonical(record | {"target": target}),
        },
    )  # fmt: skip


def _canonical(data: object) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
