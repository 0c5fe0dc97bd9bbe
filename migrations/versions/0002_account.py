"""A person's picture and language"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("users", sa.Column("picture", sa.Text))
    op.add_column("users", sa.Column("language", sa.Text))
    op.create_table(
        "pictures",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("pictures")
    op.drop_column("users", "language")
    op.drop_column("users", "picture")
