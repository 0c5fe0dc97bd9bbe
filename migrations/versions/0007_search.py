"""Indexes of the words in messages and posts. What is there already is indexed while the application runs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

#: Neither the text (`content`) nor where in it a word stands (`detail`) is kept: the rows themselves tell.
SQLITE = """
    CREATE VIRTUAL TABLE {kind}_words USING fts5(
        words, content='', columnsize=0, detail='none', tokenize="ascii tokenchars '_'"{prefixes}
    )
"""
#: Of posts beginnings up to three letters: they are everybody's, so a short beginning fits many words.
PREFIXES = {"messages": "", "posts": ", prefix='1 2 3'"}


def upgrade() -> None:
    op.create_table(
        "search_marks",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.Column("goal", sa.BigInteger, nullable=False),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for kind in ("messages", "posts"):
        if is_sqlite:
            op.execute(SQLITE.format(kind=kind, prefixes=PREFIXES[kind]))
        else:
            op.execute(f"CREATE TABLE {kind}_words (id bigint PRIMARY KEY, words tsvector NOT NULL)")
            op.execute(f"CREATE INDEX ix_{kind}_words ON {kind}_words USING gin (words) WITH (fastupdate = off)")
        op.execute(f"INSERT INTO search_marks SELECT '{kind}', 0, coalesce(max(id), 0) FROM {kind}")


def downgrade() -> None:
    for table in ("posts_words", "messages_words", "search_marks"):
        op.drop_table(table)
