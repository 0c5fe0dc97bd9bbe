"""Messages between two people: sending, history, conversations, and marking read.

Each writing function runs in one transaction and locks both inboxes first, in order of user id. So within a
conversation the order of message ids is the order of commits: who has been given message 17 has been given every
message of that conversation before it, and "read up to 17" can never swallow one that arrives late.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..auth import blocks
from ..auth.models import users
from ..auth.people import Person, by_name, fold, lock_with
from ..db import Connection, Transaction, now_ms, rfc3339
from ..errors import Conflict, Invalid, Text
from ..search import service as search
from ..statements import Now, Statement, statement
from ..texts import KEY_LIFE, check_body, check_key
from .models import conversations, messages


class Sent(NamedTuple):
    """A stored message as JSON, the receiver's id, the sender's inbox's seq, and whether this call stored it."""

    message: dict[str, Any]
    receiver: int
    seq: int
    is_new: bool


class History(NamedTuple):
    """A part of a conversation: messages, newest first, each with `read`, and whether there are older ones.

    `seen` is how far the other has read (an id), `unread` how many one has not read in the whole conversation.
    """

    other: Person
    messages: list[dict[str, Any]]
    more: bool
    seen: int
    unread: int


_theirs_inbox = inbox.inboxes.alias("theirs")


def _insert(insert: Any) -> Any:
    """To the person of this name, with the seqs that both inboxes are about to give; nobody writes to themselves or to
    whom they have blocked or are blocked by, and no key is used twice."""
    me = sa.bindparam("sender", type_=sa.BigInteger)
    new = sa.select(
        me,
        users.c.id,
        sa.case((users.c.id < me, users.c.id), else_=me),
        sa.case((users.c.id < me, me), else_=users.c.id),
        sa.bindparam("body", type_=messages.c.body.type),
        Now(),
        inbox.inboxes.c.seq + sa.bindparam("ahead", type_=sa.BigInteger),
        sa.select(_theirs_inbox.c.seq + 1).where(_theirs_inbox.c.user_id == users.c.id).scalar_subquery(),
        sa.bindparam("sent_key", type_=messages.c.key.type),
    ).where(
        inbox.inboxes.c.user_id == me,
        users.c.name == sa.bindparam("to"),
        users.c.id != me,
        ~blocks.has_blocked(users.c.id, me),
        ~blocks.has_blocked(me, users.c.id),
    )
    return (
        insert(messages)
        .from_select(("from_id", "to_id", "low_id", "high_id", "body", "at", "seq", "to_seq", "key"), new)
        .on_conflict_do_nothing(index_elements=["from_id", "key"])
        .returning(messages.c.id, messages.c.at)
    )


_INSERT = Statement(_insert)
_BY_KEY = statement(
    sa.select(
        messages.c.id, messages.c.to_id, messages.c.body, messages.c.at, messages.c.seq, messages.c.deleted_at
    ).where(messages.c.from_id == sa.bindparam("sender"), messages.c.key == sa.bindparam("sent_key"))
)
#: Where this transaction has told the receiver something before, which is not stored yet.
_SET_TO_SEQ = statement(
    sa.update(messages).where(messages.c.id == sa.bindparam("message")).values(to_seq=sa.bindparam("told_at"))
)
_FORGET_KEY = statement(sa.update(messages).where(messages.c.id == sa.bindparam("message")).values(key=None))


def _upsert(insert: Any) -> Any:
    """A message arrived: each side's conversation stands at it, and the reader's has one more unread."""
    a, b, number = (sa.bindparam(name, type_=sa.BigInteger) for name in ("sender", "receiver", "number"))
    none: Any = sa.literal_column("0")
    one: Any = sa.literal_column("1")
    new = insert(conversations).values(
        [
            {"user_id": a, "with_id": b, "last_id": number, "read_upto": none, "unread": none},
            {"user_id": b, "with_id": a, "last_id": number, "read_upto": none, "unread": one},
        ]
    )
    return new.on_conflict_do_update(
        index_elements=["user_id", "with_id"],
        set_={"last_id": new.excluded.last_id, "unread": conversations.c.unread + new.excluded.unread},
    )


_UPSERT = Statement(_upsert)
_CONVERSATION = statement(
    sa.select(conversations.c.last_id, conversations.c.read_upto, conversations.c.unread).where(
        conversations.c.user_id == sa.bindparam("user"), conversations.c.with_id == sa.bindparam("other")
    )
)
_COUNT_UNREAD = statement(
    sa.select(sa.func.count()).where(
        messages.c.low_id == sa.bindparam("low"),
        messages.c.high_id == sa.bindparam("high"),
        messages.c.to_id == sa.bindparam("user"),
        messages.c.id > sa.bindparam("upto"),
        messages.c.deleted_at.is_(None),
    )
)
_MARK_READ = statement(
    sa.update(conversations)
    .where(conversations.c.user_id == sa.bindparam("user"), conversations.c.with_id == sa.bindparam("other"))
    .values(read_upto=sa.bindparam("upto"), unread=sa.bindparam("left"))
)
_MESSAGE = (
    messages.c.id,
    messages.c.from_id,
    messages.c.body,
    messages.c.at,
    messages.c.deleted_at,
)
_HISTORY = statement(
    sa.select(*_MESSAGE)
    .where(
        messages.c.low_id == sa.bindparam("low"),
        messages.c.high_id == sa.bindparam("high"),
        messages.c.id < sa.bindparam("before"),
    )
    .order_by(messages.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_theirs = conversations.alias("theirs")
_CONVERSATIONS = statement(
    sa.select(
        users.c.id,
        users.c.name,
        users.c.display_name,
        users.c.picture,
        conversations.c.unread,
        conversations.c.read_upto,
        _theirs.c.read_upto,
        *_MESSAGE,
    )
    .join(users, users.c.id == conversations.c.with_id)
    .join(messages, messages.c.id == conversations.c.last_id)
    .join(
        _theirs,
        sa.and_(_theirs.c.user_id == conversations.c.with_id, _theirs.c.with_id == conversations.c.user_id),
    )
    .where(conversations.c.user_id == sa.bindparam("user"))
    .order_by(conversations.c.last_id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)

#: Where more is unread than a page has, it has so many that were read before, and at most so many in all.
BEFORE_UNREAD, MOST_UNREAD = 10, 300
#: The most conversations in one answer.
MOST_CONVERSATIONS = 200
NO_LIMIT = 2**62


def send(transaction: Transaction, sender: Person, to: str, body: str, key: str | None = None) -> Sent:
    """Store a message once, with one event in each side's inbox.

    The same key with the same content is the same message: nothing new is stored. Raises Invalid, NotFound (no such
    user), Forbidden (one has blocked the other), or Conflict (the key was used for other content within KEY_LIFE).
    """
    check_body(body)
    check_key(key)
    ahead = inbox.pending(transaction, sender.id) + 1
    values = {"sender": sender.id, "to": fold(to), "body": body, "ahead": ahead, "sent_key": key}
    receiver, [rows] = lock_with(transaction, sender.id, to, (_INSERT, values))
    to = fold(to)
    if receiver == sender.id:
        raise Invalid("to", Text("is yourself; write to somebody else"))
    if not rows and key is not None and (before := _sent_before(transaction, sender, receiver, to, body, key)):
        return before
    if not rows and key is not None:
        rows = transaction.all(_INSERT, **values)
    if not rows:
        raise blocks.refusal(transaction, sender.id, receiver, to)
    [[number, at]] = rows
    transaction.queue(_UPSERT, sender=sender.id, receiver=receiver, number=number)
    search.index_message(transaction, number, sender.id, receiver, body)
    data = {
        "id": number,
        "from": sender.name,
        "from_name": sender.display_name,
        "avatar": sender.avatar,
        "to": to,
        "body": body,
    }
    is_first = not inbox.pending(transaction, receiver)
    seq = inbox.append(transaction, sender.id, "message", data, at=at)
    to_seq = inbox.append(transaction, receiver, "message", data, badges={"messages": 1}, at=at)
    if not is_first:
        transaction.queue(_SET_TO_SEQ, message=number, told_at=to_seq)
    return Sent(as_json(number, sender, to, body, at), receiver, seq, True)


def _sent_before(transaction: Transaction, sender: Person, receiver: int, to: str, body: str, key: str) -> Sent | None:
    """What was sent with this key; none where there is nothing, or was so long ago that the key is now forgotten.

    Raises Conflict.
    """
    stored = transaction.one(_BY_KEY, sender=sender.id, sent_key=key)
    if stored is None:
        return None
    number, to_id, stored_body, stored_at, seq, deleted_at = stored
    if stored_at <= now_ms() - KEY_LIFE:
        transaction.queue(_FORGET_KEY, message=number)
        return None
    if to_id != receiver or (stored_body != body and deleted_at is None):
        raise Conflict(Text("This key was used for another message: use a new key for each message."))
    message = as_json(number, sender, to, stored_body, stored_at, deleted=deleted_at is not None)
    return Sent(message, receiver, seq, False)


def mark_read(transaction: Transaction, reader: Person, writer_name: str, upto: int) -> inbox.Badges:
    """Messages from `writer_name` with an id up to `upto` are read; both sides are told. Answers the reader's badges.

    Only ever forward: an `upto` from before changes nothing. Raises NotFound (no such user) or Invalid when `upto` is
    beyond the newest message of the conversation: nobody has been given that one.
    """
    writer, _ = lock_with(transaction, reader.id, writer_name)
    if writer == reader.id:
        raise Invalid("with", Text("is yourself; name the other side of the conversation"))
    row = transaction.one(_CONVERSATION, user=reader.id, other=writer)
    last_id, read_upto, unread = row or (0, 0, 0)
    if upto > last_id:
        raise Invalid("upto", Text("is beyond the newest message of this conversation, %(last)d", last=last_id))
    if upto > read_upto and unread:
        low, high = sorted((reader.id, writer))
        count = transaction.one(_COUNT_UNREAD, low=low, high=high, user=reader.id, upto=upto)
        left: int = count[0] if count else 0
        if left < unread:
            transaction.queue(_MARK_READ, user=reader.id, other=writer, upto=upto, left=left)
            data = {"by": reader.name, "with": fold(writer_name), "upto": upto}
            inbox.append(transaction, reader.id, "read", data, badges={"messages": left - unread})
            inbox.append(transaction, writer, "read", data)
    return inbox.badges_of(transaction, reader.id)


def history(
    connection: Connection, me: Person, other_name: str, before: int, limit: int, *, unread_too: bool = False
) -> History:
    """At most `limit` messages with an id below `before`; with `unread_too` more, where more of them are unread.

    Raises NotFound for an unknown person. Call it on a snapshot to show it beside a cursor.
    """
    other = by_name(connection, other_name)
    low, high = sorted((me.id, other.id))
    mine = connection.one(_CONVERSATION, user=me.id, other=other.id)
    theirs = connection.one(_CONVERSATION, user=other.id, other=me.id)
    read_by_me, read_by_other = (mine[1] if mine else 0), (theirs[1] if theirs else 0)
    unread = mine[2] if mine else 0
    if unread_too:
        limit = max(limit, min(unread + BEFORE_UNREAD, MOST_UNREAD))
    rows = connection.all(_HISTORY, low=low, high=high, before=before, most=limit + 1)
    found = []
    for number, from_id, body, at, deleted_at in rows[:limit]:
        sender, receiver, upto = (me, other, read_by_other) if from_id == me.id else (other, me, read_by_me)
        message = as_json(number, sender, receiver.name, body, at, deleted_at is not None)
        found.append({**message, "read": number <= upto})
    return History(other, found, len(rows) > limit, read_by_other, unread)


def list_conversations(connection: Connection, me: Person) -> list[dict[str, Any]]:
    """One's conversations, the one with the newest message first, at most MOST_CONVERSATIONS."""
    found = []
    for row in connection.all(_CONVERSATIONS, user=me.id, most=MOST_CONVERSATIONS):
        other = Person(*row[:4])
        unread, read_by_me, read_by_other, number, from_id, body, at, deleted_at = row[4:]
        sender, receiver, upto = (me, other, read_by_other) if from_id == me.id else (other, me, read_by_me)
        message = as_json(number, sender, receiver.name, body, at, deleted_at is not None)
        last = {**message, "read": number <= upto}
        found.append(
            {
                "with": other.name,
                "with_name": other.display_name,
                "avatar": other.avatar,
                "last": last,
                "unread": unread,
            }
        )
    return found


def as_json(number: int, sender: Person, to: str, body: str, at: int, deleted: bool = False) -> dict[str, Any]:
    """A message as the contract has it, with the time that it was stored."""
    return {
        "id": number,
        "from": sender.name,
        "from_name": sender.display_name,
        "avatar": sender.avatar,
        "to": to,
        "body": body,
        "at": rfc3339(at),
        "deleted": deleted,
    }
