"""The files for programs, each one JSON document that is written row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...db import now_ms, rfc3339
from .account import Account
from .archive import Archive, Entry
from .rows import Conversation, Message, Post, Reaction, Rows

#: Raised when what there was before is called otherwise, or means something else.
FORMAT = 1

_encode = msgspec.json.Encoder().encode


def write(archive: Archive, rows: Rows, account: Account) -> None:
    """account.json, messages.json, posts.json, and the picture if there is one."""
    with archive.entry("account.json") as entry:
        counts = {"messages": rows.messages_count, "posts": rows.posts_count, "reactions": rows.reactions_count}
        about = {"format": FORMAT, "exported_at": rfc3339(now_ms()), **account.as_json(), "counts": counts}
        entry.write(msgspec.json.format(_encode(about)) + b"\n")
    if account.picture:
        with archive.entry("picture.webp") as entry:
            entry.write(account.picture)
    with archive.entry("messages.json") as entry:
        entry.write(b'{"conversations": [')
        _write_list(entry, rows.conversations(), lambda one: _write_conversation(entry, rows, one))
        entry.write(b"\n]}\n")
    with archive.entry("posts.json") as entry:
        entry.write(b'{"posts": [')
        _write_rows(entry, map(_post, rows.posts()))
        entry.write(b'\n], "reactions": [')
        _write_rows(entry, map(_reaction, rows.reactions()))
        entry.write(b"\n]}\n")


def _write_conversation(entry: Entry, rows: Rows, conversation: Conversation) -> None:
    other = conversation.other
    entry.write(b'{"with": %b, "with_name": %b, "messages": [' % (_encode(other.name), _encode(other.display_name)))
    _write_rows(entry, map(_message, rows.messages(conversation)))
    entry.write(b"\n]}")


def _write_rows(entry: Entry, rows: Iterable[dict[str, Any]]) -> None:
    comma = b"\n"
    for row in rows:
        entry.write(comma + _encode(row))
        comma = b",\n"


def _write_list(entry: Entry, conversations: Iterator[Conversation], write_one: Any) -> None:
    comma = b"\n"
    for conversation in conversations:
        entry.write(comma)
        write_one(conversation)
        comma = b",\n"


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "from": message.sender.name,
        "to": message.receiver.name,
        "body": message.body,
        "at": rfc3339(message.at),
        "read": message.read,
        "deleted": message.deleted,
    }


def _post(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "thread": post.thread,
        "body": post.body,
        "at": rfc3339(post.at),
        "counts": {"likes": post.likes, "dislikes": post.dislikes, "replies": post.replies},
        "deleted": post.deleted,
    }


def _reaction(reaction: Reaction) -> dict[str, Any]:
    return {"post": reaction.post, "by": reaction.by, "reaction": reaction.reaction, "at": rfc3339(reaction.at)}
