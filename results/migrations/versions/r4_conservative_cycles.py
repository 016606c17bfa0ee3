"""Cycles with Vela's estimate for what no evidence covers."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("conservative_cycles", sa.BigInteger))
    # Earlier objectives, which are part of earlier identities, knew no other price for what no evidence covers.
    op.execute("UPDATE evaluations SET conservative_cycles = stream_cycles")
