"""Deleting a message: for both sides, out of the events that carried it, and out of what is found."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..auth.people import Person, by_ids
from ..db import Connection, Row, Transaction, now_ms
from ..errors import Forbidden, NotFound, Text
from ..search import service as search
from ..statements import statement
from .models import conversations, messages

_ONE = statement(
    sa.select(
        messages.c.from_id, messages.c.to_id, messages.c.body, messages.c.at, messages.c.seq, messages.c.to_seq
    ).where(messages.c.id == sa.bindparam("message"))
)
_DELETE = statement(
    sa.update(messages)
    .where(messages.c.id == sa.bindparam("message"), messages.c.deleted_at.is_(None))
    .values(body="", deleted_at=sa.bindparam("now"))
)
_ONE_LESS_UNREAD = statement(
    sa.update(conversations)
    .where(
        conversations.c.user_id == sa.bindparam("reader"),
        conversations.c.with_id == sa.bindparam("writer"),
        conversations.c.read_upto < sa.bindparam("message"),
    )
    .values(unread=conversations.c.unread - 1)
)


def unknown(number: object) -> NotFound:
    return NotFound(Text("There is no message %(number)s in your conversations.", number=str(number)))


class Own(NamedTuple):
    """A message of one's own, and whom it was for; deleted, it has no body."""

    id: int
    reader: Person
    body: str


def own(connection: Connection, me: Person, number: int) -> Own:
    """Raises NotFound where it is in none of one's conversations, Forbidden where it is the other's."""
    row = _own_row(connection, me, number)
    [reader] = by_ids(connection, [row[1]])
    return Own(number, reader, row[2])


def _own_row(connection: Connection, me: Person, number: int) -> Row:
    row = connection.one(_ONE, message=number)
    if row is None or me.id not in row[:2]:
        raise unknown(number)
    if row[0] != me.id:
        raise Forbidden(Text("This message was written to you: only who wrote it can delete it."))
    return row


def delete(transaction: Transaction, me: Person, number: int) -> None:
    """The message loses its content, here and in the events of both sides, and is unread no more; both are told. Once
    deleted, nothing changes any more.

    It was stored by an earlier transaction. Raises NotFound and Forbidden, as `own` does.
    """
    writer, reader, body, at, seq, to_seq = _own_row(transaction, me, number)
    inbox.lock(transaction, (writer, reader))
    if not transaction.run(_DELETE, message=number, now=now_ms()):
        return  # it was deleted before, or while the inboxes were waited for
    search.forget_message(transaction, number, writer, reader, body)
    inbox.blank(transaction, writer, seq)
    if to_seq is None:
        to_seq = inbox.find(transaction, reader, "message", at, "id", number)
    if to_seq is not None:
        inbox.blank(transaction, reader, to_seq)
    was_unread = transaction.run(_ONE_LESS_UNREAD, reader=reader, writer=writer, message=number)
    [other] = by_ids(transaction, [reader])
    deleted = {"kind": "message", "id": number}
    inbox.append(transaction, writer, "deleted", {**deleted, "with": other.name})
    inbox.append(transaction, reader, "deleted", {**deleted, "with": me.name}, badges={"messages": -was_unread})
