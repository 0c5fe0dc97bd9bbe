"""When a system's token was rotated"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("system_tokens", sa.Column("rotated_at", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("system_tokens", "rotated_at")
