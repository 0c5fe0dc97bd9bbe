"""Writing and replying: each in one transaction, with what others are told of it.

Locks are taken in one order: one's turn to reply in the thread, inboxes by user id, the post that is replied to, the
feed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..auth import blocks, people
from ..auth.people import Person
from ..db import Transaction, now_ms
from ..errors import Conflict, Text
from ..notifications import preferences
from ..notifications import service as notices
from ..notifications.content import Content
from ..search import service as search
from ..statements import Statement, given, statement
from ..texts import KEY_LIFE, check_body, check_key
from . import counts, mentions
from .allowed import check_not_blocked
from .models import post_events, posts
from .reacting import no_such_post

#: The kind of our advisory locks on PostgreSQL for those who reply in a thread.
REPLIES_LOCK = 1
#: So many of those who replied last hear of the next reply; they are looked for among so many replies.
MOST_TOLD, MOST_LOOKED_AT = 200, 1000

_NO_COUNTS = {"likes": 0, "dislikes": 0, "replies": 0}
_INSERT = Statement(
    lambda insert: (
        insert(posts)
        .values({**given(posts, "author_id", "thread_id", "body", "at", "version", "key"), **_NO_COUNTS})
        .on_conflict_do_nothing(index_elements=["author_id", "key"])
        .returning(posts.c.id)
    )
)
_BY_KEY = statement(
    sa.select(posts.c.id, posts.c.thread_id, posts.c.body, posts.c.at, posts.c.deleted_at).where(
        posts.c.author_id == sa.bindparam("author"), posts.c.key == sa.bindparam("sent_key")
    )
)
_FORGET_KEY = statement(sa.update(posts).where(posts.c.id == sa.bindparam("post")).values(key=None))
_THREAD = statement(
    sa.select(posts.c.author_id, posts.c.thread_id, posts.c.deleted_at).where(posts.c.id == sa.bindparam("post"))
)
_LOCK_THREAD = statement(
    sa.select(posts.c.id).where(posts.c.id == sa.bindparam("post"), posts.c.deleted_at.is_(None)).with_for_update()
)
#: Of a long thread the end: the post is locked, and on SQLite the database.
_last = (
    sa.select(posts.c.id, posts.c.author_id, posts.c.deleted_at)
    .where(posts.c.thread_id == sa.bindparam("post"))
    .order_by(posts.c.id.desc())
    .limit(MOST_LOOKED_AT)
    .subquery()
)
#: Those who replied last, each once.
_REPLIED = statement(
    sa.select(_last.c.author_id)
    .where(_last.c.deleted_at.is_(None))
    .group_by(_last.c.author_id)
    .order_by(sa.func.max(_last.c.id).desc())
    .limit(MOST_TOLD)
)
_NOTE_EVENT = statement(sa.insert(post_events).values(given(post_events, "post_id", "user_id", "seq")))


class Written(NamedTuple):
    """The id of a post or reply, and whether this call stored it."""

    post: int
    is_new: bool


class _Thread(NamedTuple):
    """The post at the head of a post's thread; and the post's own author, and whether it was deleted."""

    head: int
    author: int
    is_deleted: bool


def write(transaction: Transaction, author: Person, body: str, key: str | None = None) -> Written:
    """A new post; who is mentioned is notified. The same key with the same body is the same post.

    Raises Invalid, and Conflict where the key was used for something else within KEY_LIFE.
    """
    check_body(body)
    check_key(key)
    mentioned = _mentioned(transaction, author, body)
    inbox.lock(transaction, (author.id, *mentioned))
    stored = _stored_by(transaction, author, key, None, body)
    if stored is not None:
        return stored
    blocked = blocks.between(transaction, author.id, mentioned)
    counts.change_feed(transaction)
    number = _insert(transaction, author, None, body, key)
    for user in mentioned:
        if (user, author.id) not in blocked:
            _tell_of_mention(transaction, user, author, number, None, body)
    return Written(number, True)


def reply(transaction: Transaction, author: Person, to: int, body: str, key: str | None = None) -> Written:
    """A reply to a post, or to one in its thread. Its author hears of it, those who replied before, and who is
    mentioned: each once, but nobody who has blocked the author of the reply.

    Raises as `write`; NotFound where there is no such post, Forbidden where one and its author, or the author of the
    reply that is answered, have blocked one another.
    """
    check_body(body)
    check_key(key)
    thread, answered, is_deleted = _thread_of(transaction, to)
    owner = _thread_of(transaction, thread).author
    _come_one_by_one(transaction, thread)
    mentioned = _mentioned(transaction, author, body)
    hearers = dict.fromkeys([owner, *(row[0] for row in transaction.all(_REPLIED, post=thread))])
    inbox.lock(transaction, {author.id, *hearers, *mentioned})
    locked = transaction.one(_LOCK_THREAD, post=thread)
    stored = _stored_by(transaction, author, key, thread, body)  # also where what it answers was deleted since
    if stored is not None:
        return stored
    if locked is None or is_deleted:
        raise no_such_post(to)
    # only now: a block takes the author's inbox too, and holds for whatever is stored behind it
    blocked = blocks.between(transaction, author.id, {answered, *hearers, *mentioned})
    for other in (owner, answered):
        check_not_blocked(blocked, author.id, other)
    told = [user for user in hearers if user != author.id and (user, author.id) not in blocked]
    number = _insert(transaction, author, thread, body, key)
    counts.change(transaction, thread, replies=1)
    data = {"post": thread, "reply": number, "by": author.name, "by_name": author.display_name, "body": body}
    for user in told:
        notices.emit(transaction, user, "reply", data, told=_noting(transaction, number, user))
    unheard = preferences.muted_by(transaction, [user for user in mentioned if user in told])
    for user in mentioned:
        if (user, author.id) not in blocked and (user not in told or "reply" in unheard.get(user, ())):
            _tell_of_mention(transaction, user, author, thread, number, body)
    return Written(number, True)


def _thread_of(transaction: Transaction, post: int) -> _Thread:
    """Raises NotFound."""
    row = transaction.one(_THREAD, post=post)
    if row is None:
        raise no_such_post(post)
    author, thread, deleted_at = row
    return _Thread(post if thread is None else thread, author, deleted_at is not None)


def _come_one_by_one(transaction: Transaction, thread: int) -> None:
    """Of two who reply for the first time at once, the second must know that the first is in the thread. The lock comes
    before all others, so nobody who waits for it has anything that its holder wants.
    """
    if transaction.dialect == "postgresql":  # on SQLite there is one writer at a time
        transaction.queue(f"SELECT pg_advisory_xact_lock({REPLIES_LOCK}, {int(thread) % 2**31})")


def _mentioned(transaction: Transaction, author: Person, body: str) -> list[int]:
    """Who is mentioned in it, but for oneself."""
    return [user for user in people.ids_of(transaction, mentions.find(body)).values() if user != author.id]


def _stored_by(
    transaction: Transaction, author: Person, key: str | None, thread: int | None, body: str
) -> Written | None:
    """What was written with this key, if anything was, also where it was deleted since; what it said is not known then.
    The author's inbox is locked. Raises Conflict.
    """
    row = transaction.one(_BY_KEY, author=author.id, sent_key=key) if key is not None else None
    if row is None:
        return None
    number, stored_thread, stored_body, at, deleted_at = row
    if at <= now_ms() - KEY_LIFE:
        transaction.queue(_FORGET_KEY, post=number)
        return None
    if deleted_at is None and (stored_thread, stored_body) != (thread, body):
        raise Conflict(Text("This key was used for another post: use a new key for each."))
    return Written(number, False)


def _insert(transaction: Transaction, author: Person, thread: int | None, body: str, key: str | None) -> int:
    at = now_ms()
    values: dict[str, Any] = {"thread_id": thread, "body": body, "at": at, "version": at, "key": key}
    row = transaction.one(_INSERT, author_id=author.id, **values)
    assert row is not None
    number: int = row[0]
    search.index_post(transaction, number, author.id, body)
    return number


def _tell_of_mention(
    transaction: Transaction, user: int, author: Person, post: int, reply: int | None, body: str
) -> None:
    written = reply or post
    content = Content(
        title=f"{author.display_name} mentioned you",
        body=body,
        url=f"/posts/{post}#post-{written}",
        data={"post": post, "reply": reply, "mention": {"by": author.name, "by_name": author.display_name}},
    )
    notices.notify(transaction, user, content, told=_noting(transaction, written, user))


def _noting(transaction: Transaction, post: int, user: int) -> Callable[[int], None]:
    """Keeps where the content went, so that it can be taken out there."""
    return lambda seq: transaction.queue(_NOTE_EVENT, post_id=post, user_id=user, seq=seq)
