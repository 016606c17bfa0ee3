"""What nightly jobs remember from night to night."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nights",
        sa.Column("suite", sa.String(200), nullable=False),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("finished", sa.String(40)),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("suite", name=op.f("pk_nights")),
    )
    op.create_table(
        "night_jobs",
        sa.Column("suite", sa.String(200), nullable=False),
        sa.Column("job_sha256", sa.String(64), nullable=False),
        sa.Column("note_json", sa.Text, nullable=False),
        sa.Column("updated", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("suite", "job_sha256", name=op.f("pk_night_jobs")),
    )
