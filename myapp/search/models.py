"""Tables: how far texts are indexed. The indexes themselves differ by database, and only migrations know them."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

#: By kind of text, `messages` and `posts`.
search_marks = sa.Table(
    "search_marks",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("upto", sa.BigInteger, nullable=False),  # all with an id up to this are in the index
    # the newest when the index was made: on PostgreSQL later ones are put into it as they are stored
    sa.Column("goal", sa.BigInteger, nullable=False),
)
