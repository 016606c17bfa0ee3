"""What users' boards and simulators counted, to be compared with predictions."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "measurements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("record_json", sa.Text, nullable=False),
        sa.CheckConstraint("label IN ('simulated', 'measured')", name=op.f("ck_measurements_label")),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name=op.f("fk_measurements_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measurements")),
        sa.UniqueConstraint("key", name=op.f("uq_measurements_key")),
    )
    op.create_index("ix_measurements_target", "measurements", ["target_id"])
