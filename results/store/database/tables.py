"""The tables of the store. Their first creation and every later change is a migration.

The tables are sized for millions of evaluations. What repeats (models, targets, toolchains) has a table of its own.
What is big and seldom read (per-operator tables) lies beside the evaluations. Long texts are never indexed, only their
hashes are.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION_TABLE = "velatune_version"
"""Where Alembic keeps our schema's revision. Not its default name: Optuna's storages use that one."""

# Constraint names that are the same everywhere let a later migration change a constraint by its name.
metadata = MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column whose type is exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")
_Sha256 = String(64)
_Facts = Text

models = Table(
    "models",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("hash", String, nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

targets = Table(
    "targets",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("family", String, nullable=False),
    Column("target", String, nullable=False),
    # JSON with sorted keys: equal facts are equal texts. So it is with all that is `_Facts`.
    Column("facts", _Facts, nullable=False),
    UniqueConstraint("family", "target", "facts", name="uq_targets_board"),
)

toolchains = Table(
    "toolchains",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("versions", _Facts, nullable=False),
    UniqueConstraint("versions", name="uq_toolchains_versions"),
)

# The same versions one by one, so that a query can count in how many two toolchains differ.
toolchain_versions = Table(
    "toolchain_versions",
    metadata,
    Column("toolchain_id", ForeignKey(toolchains.c.id), primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", _Sha256, nullable=False, unique=True),
    Column("model_id", ForeignKey(models.c.id), nullable=False),
    Column("target_id", ForeignKey(targets.c.id), nullable=False),
    Column("toolchain_id", ForeignKey(toolchains.c.id), nullable=False),
    Column("quantisation", _Facts, nullable=False),
    Column("search_space_version", String, nullable=False),
    Column("objective", String, nullable=False),
    Column("io_layout", String(16), nullable=False),
    # Of the lowered model; both or none.
    Column("structure_operators", String(64)),
    Column("structure_shapes", String(64)),
    Column("created", String(40), nullable=False),
    CheckConstraint("(structure_operators IS NULL) = (structure_shapes IS NULL)", name="structure"),
    Index("ix_identities_model_target", "model_id", "target_id"),
    Index("ix_identities_operators", "structure_operators", "target_id", "id"),
    Index("ix_identities_shapes", "structure_shapes", "target_id", "id"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("identity_id", ForeignKey(identities.c.id), nullable=False),
    Column("recipe", Text, nullable=False),
    Column("recipe_sha256", _Sha256, nullable=False),
    Column("program_hash", String, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("check_json", Text, nullable=False),
    Column("exactness", String(16), nullable=False),
    Column("quality_json", Text),
    # The figures: all of them or none.
    Column("label", String(16)),
    Column("cycles", BigInteger),
    Column("sram_bytes", BigInteger),
    Column("flash_bytes", BigInteger),
    Column("metrics_json", Text),
    Column("attempts", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created", String(40), nullable=False),
    UniqueConstraint("identity_id", "recipe_sha256", name="uq_evaluations_candidate"),
    Index("ix_evaluations_program", "identity_id", "program_hash"),
    CheckConstraint("status IN ('ok', 'wrong', 'refused', 'crashed', 'timed out')", name="status"),
    CheckConstraint("label IN ('predicted', 'simulated', 'measured')", name="label"),
    CheckConstraint("(label IS NULL) = (cycles IS NULL)", name="labelled"),
    CheckConstraint("status = 'ok' OR NOT verified", name="verified"),
)

command_streams = Table(
    "command_streams",
    metadata,
    Column("evaluation_id", ForeignKey(evaluations.c.id), primary_key=True),
    Column("delegate", Integer, primary_key=True),
    Column("sha256", _Sha256, nullable=False),
    Index("ix_command_streams_sha256", "sha256"),
)

operator_tables = Table(
    "operator_tables",
    metadata,
    Column("evaluation_id", ForeignKey(evaluations.c.id), primary_key=True),
    Column("rows_json", Text, nullable=False),
)

simulations = Table(
    "simulations",
    metadata,
    Column("evaluation_id", ForeignKey(evaluations.c.id), primary_key=True),
    Column("simulator", String, primary_key=True),
    Column("runner_sha256", _Sha256, primary_key=True),
    Column("label", String(16), nullable=False),
    Column("npu_cycles", BigInteger, nullable=False),
    Column("created", String(40), nullable=False),
    CheckConstraint("label = 'simulated'", name="label"),
)

bests = Table(
    "bests",
    metadata,
    Column("identity_id", ForeignKey(identities.c.id), primary_key=True),
    Column("default_evaluation_id", ForeignKey(evaluations.c.id), nullable=False),
    Column("best_evaluation_id", ForeignKey(evaluations.c.id), nullable=False),
    Column("evaluations", BigInteger, nullable=False),
    Column("distinct_programs", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("updated", String(40), nullable=False),
    CheckConstraint("status IN ('exhausted', 'trials', 'timeout', 'interrupted')", name="status"),
)

# What came from files that people share. Beside the bests: nothing of it was evaluated here.
claims = Table(
    "claims",
    metadata,
    Column("identity_id", ForeignKey(identities.c.id), primary_key=True),
    Column("recipe_sha256", _Sha256, nullable=False),
    Column("cycles", BigInteger, nullable=False),
    Column("claim_json", Text, nullable=False),
    Column("found", String(40), nullable=False),
)

nights = Table(
    "nights",
    metadata,
    Column("suite", String(200), primary_key=True),
    Column("started", String(40), nullable=False),
    Column("finished", String(40)),
    Column("seconds", Float, nullable=False),
)

night_jobs = Table(
    "night_jobs",
    metadata,
    Column("suite", String(200), primary_key=True),
    Column("job_sha256", _Sha256, primary_key=True),
    Column("note_json", Text, nullable=False),
    Column("updated", String(40), nullable=False),
)

measurements = Table(
    "measurements",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("key", _Sha256, nullable=False, unique=True),
    Column("target_id", ForeignKey(targets.c.id), nullable=False),
    Column("label", String(16), nullable=False),
    Column("record_json", Text, nullable=False),
    Index("ix_measurements_target", "target_id"),
    CheckConstraint("label IN ('simulated', 'measured')", name="label"),
)
