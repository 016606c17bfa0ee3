"""First schema: models, targets, toolchains, identities, evaluations, simulations, bests, claims."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

# Spelled out instead of imported from results.store.database.tables: a migration must not change when the tables do.
_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_sha256 = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("id", _id, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("hash", name=op.f("uq_models_hash")),
    )
    op.create_table(
        "targets",
        sa.Column("id", _id, nullable=False),
        sa.Column("accelerator", sa.String, nullable=False),
        sa.Column("system_config", sa.String, nullable=False),
        sa.Column("memory_mode", sa.String, nullable=False),
        sa.Column("vela_config_sha256", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint(
            "accelerator", "system_config", "memory_mode", "vela_config_sha256", name=op.f("uq_targets_board")
        ),
    )
    op.create_table(
        "toolchains",
        sa.Column("id", _id, nullable=False),
        sa.Column("torch", sa.String, nullable=False),
        sa.Column("torchao", sa.String, nullable=False),
        sa.Column("executorch", sa.String, nullable=False),
        sa.Column("ethos_u_vela", sa.String, nullable=False),
        sa.Column("tosa_tools", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_toolchains")),
        sa.UniqueConstraint(
            "torch", "torchao", "executorch", "ethos_u_vela", "tosa_tools", name=op.f("uq_toolchains_versions")
        ),
    )
    op.create_table(
        "identities",
        sa.Column("id", _id, nullable=False),
        sa.Column("key", _sha256, nullable=False),
        sa.Column("model_id", _id, nullable=False),
        sa.Column("target_id", _id, nullable=False),
        sa.Column("toolchain_id", _id, nullable=False),
        sa.Column("quantisation", sa.Text, nullable=False),
        sa.Column("search_space_version", sa.String, nullable=False),
        sa.Column("objective", sa.String, nullable=False),
        sa.Column("io_layout", sa.String(16), nullable=False),
        sa.Column("structure_operators", sa.String(64)),
        sa.Column("structure_shapes", sa.String(64)),
        sa.Column("created", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("key", name=op.f("uq_identities_key")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_identities_model_id")),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_identities_target_id")),
        sa.ForeignKeyConstraint(["toolchain_id"], ["toolchains.id"], name=op.f("fk_identities_toolchain_id")),
        sa.CheckConstraint(
            "(structure_operators IS NULL) = (structure_shapes IS NULL)", name=op.f("ck_identities_structure")
        ),
    )
    op.create_index("ix_identities_model_target", "identities", ["model_id", "target_id"])
    op.create_index("ix_identities_operators", "identities", ["structure_operators", "target_id", "id"])
    op.create_index("ix_identities_shapes", "identities", ["structure_shapes", "target_id", "id"])
    op.create_table(
        "evaluations",
        sa.Column("id", _id, nullable=False),
        sa.Column("identity_id", _id, nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("recipe_sha256", _sha256, nullable=False),
        sa.Column("program_hash", sa.String, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("check_json", sa.Text, nullable=False),
        sa.Column("exactness", sa.String(16), nullable=False),
        sa.Column("quality_json", sa.Text),
        sa.Column("label", sa.String(16)),
        sa.Column("cycles", sa.BigInteger),
        sa.Column("stream_cycles", sa.BigInteger),
        sa.Column("vela_cycles", sa.BigInteger),
        sa.Column("host_cycles", sa.BigInteger),
        sa.Column("transposes", sa.BigInteger),
        sa.Column("transpose_cycles", sa.BigInteger),
        sa.Column("npu_ops", sa.BigInteger),
        sa.Column("host_ops", sa.BigInteger),
        sa.Column("delegates", sa.BigInteger),
        sa.Column("sram_bytes", sa.BigInteger),
        sa.Column("flash_bytes", sa.BigInteger),
        sa.Column("macs", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_evaluations_identity_id")),
        sa.UniqueConstraint("identity_id", "recipe_sha256", name=op.f("uq_evaluations_candidate")),
        sa.CheckConstraint(
            "status IN ('ok', 'wrong', 'refused', 'crashed', 'timed out')", name=op.f("ck_evaluations_status")
        ),
        sa.CheckConstraint("label IN ('predicted', 'simulated', 'measured')", name=op.f("ck_evaluations_label")),
        sa.CheckConstraint("(label IS NULL) = (cycles IS NULL)", name=op.f("ck_evaluations_labelled")),
        sa.CheckConstraint("status = 'ok' OR NOT verified", name=op.f("ck_evaluations_verified")),
    )
    op.create_index("ix_evaluations_program", "evaluations", ["identity_id", "program_hash"])
    op.create_table(
        "command_streams",
        sa.Column("evaluation_id", _id, nullable=False),
        sa.Column("delegate", sa.Integer, nullable=False),
        sa.Column("sha256", _sha256, nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", "delegate", name=op.f("pk_command_streams")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name=op.f("fk_command_streams_evaluation_id")),
    )
    op.create_index("ix_command_streams_sha256", "command_streams", ["sha256"])
    op.create_table(
        "operator_tables",
        sa.Column("evaluation_id", _id, nullable=False),
        sa.Column("rows_json", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_operator_tables")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name=op.f("fk_operator_tables_evaluation_id")),
    )
    op.create_table(
        "simulations",
        sa.Column("evaluation_id", _id, nullable=False),
        sa.Column("simulator", sa.String, nullable=False),
        sa.Column("runner_sha256", _sha256, nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("npu_cycles", sa.BigInteger, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("evaluation_id", "simulator", "runner_sha256", name=op.f("pk_simulations")),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"], name=op.f("fk_simulations_evaluation_id")),
        sa.CheckConstraint("label = 'simulated'", name=op.f("ck_simulations_label")),
    )
    op.create_table(
        "bests",
        sa.Column("identity_id", _id, nullable=False),
        sa.Column("default_evaluation_id", _id, nullable=False),
        sa.Column("best_evaluation_id", _id, nullable=False),
        sa.Column("evaluations", sa.BigInteger, nullable=False),
        sa.Column("distinct_programs", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_bests")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_bests_identity_id")),
        sa.ForeignKeyConstraint(
            ["default_evaluation_id"], ["evaluations.id"], name=op.f("fk_bests_default_evaluation_id")
        ),
        sa.ForeignKeyConstraint(["best_evaluation_id"], ["evaluations.id"], name=op.f("fk_bests_best_evaluation_id")),
        sa.CheckConstraint("status IN ('exhausted', 'trials', 'timeout', 'interrupted')", name=op.f("ck_bests_status")),
    )
    op.create_table(
        "claims",
        sa.Column("identity_id", _id, nullable=False),
        sa.Column("recipe_sha256", _sha256, nullable=False),
        sa.Column("cycles", sa.BigInteger, nullable=False),
        sa.Column("claim_json", sa.Text, nullable=False),
        sa.Column("found", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_claims")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_claims_identity_id")),
    )
