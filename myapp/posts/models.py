"""Tables: posts and the replies to them, what people think of them, and which events carry their content."""

from __future__ import annotations

import sqlalchemy as sa

from ..db import Model

metadata = Model.metadata

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

posts = sa.Table(
    "posts",
    metadata,
    # of posts given out while the feed is locked, of replies while their post is: order of id is order of commit
    sa.Column("id", Id, primary_key=True),
    sa.Column("author_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("thread_id", sa.BigInteger, sa.ForeignKey("posts.id")),  # the post that this replies to; none: it is one
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    # of the counts: the time of their last change, and always later than the one before
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("likes", sa.BigInteger, nullable=False),
    sa.Column("dislikes", sa.BigInteger, nullable=False),
    sa.Column("replies", sa.BigInteger, nullable=False),  # those that are not deleted
    sa.Column("key", sa.Text),  # the author's, against writing it twice
    sa.Column("deleted_at", sa.BigInteger),
    sa.UniqueConstraint("author_id", "key"),
    sa.Index("ix_posts_thread", "thread_id", "id"),
    sa.Index("ix_posts_author", "author_id", "id"),
    sqlite_autoincrement=True,  # an id is never given out twice
)

_is_in_feed = sa.and_(posts.c.thread_id.is_(None), posts.c.deleted_at.is_(None))
sa.Index("ix_posts_feed", posts.c.id, sqlite_where=_is_in_feed, postgresql_where=_is_in_feed)

reactions = sa.Table(
    "reactions",
    metadata,
    sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id"), primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("reaction", sa.Text, nullable=False),  # like or dislike
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger),  # of the event in the author's inbox; none: the author was not told
    sa.Index("ix_reactions_user", "user_id", "post_id"),
    sqlite_with_rowid=False,
)

#: Where a post's content went, apart from its row.
post_events = sa.Table(
    "post_events",
    metadata,
    sa.Column("post_id", sa.BigInteger, sa.ForeignKey("posts.id"), primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
