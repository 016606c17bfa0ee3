"""Evaluations say how exact they are, and how good if they are not; all that were known before are exact."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("exactness", sa.String(16), nullable=False, server_default="exact"))
    op.add_column("evaluations", sa.Column("quality_json", sa.Text))
