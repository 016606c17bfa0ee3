"""Identities say how the inputs lie in memory; all that were known before are NCHW."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identities", sa.Column("io_layout", sa.String(16), nullable=False, server_default="nchw"))
