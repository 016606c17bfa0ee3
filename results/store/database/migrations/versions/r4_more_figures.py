"""Cycles with Vela's estimate for what no evidence covers, and the arena."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("conservative_cycles", sa.BigInteger))
    op.add_column("evaluations", sa.Column("arena_bytes", sa.BigInteger))
    # Earlier objectives, which are part of earlier identities, knew no other price for what no evidence covers.
    # Their arenas are not known: where an arena lies in SRAM, it is what is in use there.
    op.execute("UPDATE evaluations SET conservative_cycles = stream_cycles, arena_bytes = sram_bytes")
