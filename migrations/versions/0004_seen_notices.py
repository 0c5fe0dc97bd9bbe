"""Find the notices of an inbox that were seen without going through those that were not"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    where = sa.text("seen = true")
    op.create_index("ix_events_seen", "events", ["user_id", "seq"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_events_seen", "events")
