"""People who write posts, reply and react, each in a transaction of its own; and fresh counts over the tables.

The counts are made here anew, in Python from all rows: nothing of how the application counts is in them.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from myapp import inbox
from myapp.auth import blocks, people
from myapp.auth.people import Person
from myapp.db import Connection
from myapp.errors import AppError
from myapp.notifications import preferences
from myapp.posts import deleting, reacting, reading, seeing, writing
from myapp.posts.counts import Counts
from myapp.posts.reacting import Reaction, Wish

from .conftest import Store

#: TEST_EXAMPLES=100 has properties be tried a hundred times as often.
EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "1"))
#: The badges that count notices about posts; `notifications` counts mentions here.
COUNTED = ("likes", "dislikes", "replies", "notifications")


class Writers:
    """People in a store, and what they do. Each action is one transaction."""

    def __init__(self, store: Store, *names: str) -> None:
        self.store = store
        self.database = store.database
        with self.database.transaction() as transaction:
            self.people = [people.create(transaction, name, None, display_name=name.title()) for name in names]

    def write(self, by: Person, body: str = "hello", key: str | None = None) -> int:
        with self.database.transaction() as transaction:
            return writing.write(transaction, by, body, key).post

    def reply(self, by: Person, to: int, body: str = "hello", key: str | None = None) -> int:
        with self.database.transaction() as transaction:
            return writing.reply(transaction, by, to, body, key).post

    def delete(self, by: Person, post: int, *, is_admin: bool = False) -> None:
        with self.database.transaction() as transaction:
            deleting.delete(transaction, by.id, post, is_admin=is_admin)

    def react(self, by: Person, post: int, reaction: Reaction | None = "like") -> Counts:
        (result,) = self.together(Wish(by, post, reaction))
        if isinstance(result, AppError):
            raise result
        return result

    def together(self, *wishes: Wish) -> list[Counts | AppError]:
        """In one transaction, about posts of the author of the first."""
        with self.database.read() as connection:
            author = reacting.author_of(connection, wishes[0].post)
        return self.of_author(author, wishes)

    def of_author(self, author: int, wishes: Sequence[Wish]) -> list[Counts | AppError]:
        with self.database.transaction() as transaction:
            reacting.lock_author(transaction, author)
            return reacting.react(transaction, author, wishes)

    def block(self, by: Person, whom: Person) -> None:
        with self.database.transaction() as transaction:
            blocks.block(transaction, by.id, whom.id)

    def unblock(self, by: Person, whom: Person) -> None:
        with self.database.transaction() as transaction:
            blocks.unblock(transaction, by.id, whom.id)

    def mute(self, by: Person, kind: str, is_muted: bool = True) -> None:
        with self.database.transaction() as transaction:
            preferences.mute(transaction, by.id, kind, is_muted)

    def see(self, by: Person, post: int) -> dict[str, int]:
        """Open a thread."""
        marked = inbox.mark_in_pieces(self.database, lambda tx, after: seeing.mark_seen(tx, by.id, post, after))
        return dict(marked.badges)

    def trim(self, by: Person, upto: int, old_notices: int = 0) -> None:
        """Give up the events up to this seq."""
        while True:
            with self.database.transaction() as transaction:
                if inbox.trim(transaction, by.id, upto, old_notices).is_last:
                    return

    def post(self, number: int, by: Person | None = None) -> dict[str, Any]:
        with self.database.read() as connection:
            return reading.one(connection, (by or self.people[0]).id, number)

    def feed(self, by: Person, before: int = 2**53, limit: int = 100) -> list[int]:
        with self.database.read() as connection:
            return [post["id"] for post in reading.feed(connection, by.id, before, limit).posts]

    def replies(self, by: Person, thread: int, after: int = 0, limit: int = 100) -> list[int]:
        with self.database.read() as connection:
            return [post["id"] for post in reading.replies(connection, by.id, thread, after, limit).posts]

    def badges(self, of: Person) -> dict[str, int]:
        """Those that count anything."""
        return {name: count for name, count in json.loads(self.store.head(of.id).badges).items() if count}

    def events(self, of: Person, after: int = 0) -> list[dict[str, Any]]:
        """What the inbox has after a cursor."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.store.after(of.id, after)
            found += [json.loads(event.text) for event in page.events]
            if page.seq == after:
                return found
            after = page.seq

    def told(self, of: Person, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """Kind and data of the same."""
        return [(event["kind"], event["data"]) for event in self.events(of, after)]

    def check(self) -> Tables:
        return check(self.store, [person.id for person in self.people])


class Tables:
    """All rows, as they are now; the bodies of posts can be looked for in `everything`."""

    def __init__(self, connection: Connection) -> None:
        def rows(sql: str) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = connection.driver.execute(sql).fetchall()
            return found

        columns = ("author", "thread", "body", "version", "likes", "dislikes", "replies", "deleted_at")
        self.posts = {
            number: dict(zip(columns, row, strict=True))
            for number, *row in rows(
                "SELECT id, author_id, thread_id, body, version, likes, dislikes, replies, deleted_at FROM posts"
            )
        }
        self.reactions = {
            (post, user): (reaction, seq)
            for post, user, reaction, seq in rows("SELECT post_id, user_id, reaction, seq FROM reactions")
        }
        self.post_events = rows("SELECT post_id, user_id, seq FROM post_events")
        self.inboxes = {user: row for user, *row in rows("SELECT user_id, seq, trimmed, badges FROM inboxes")}
        self.events = {
            (user, seq): (kind, json.loads(data), None if seen is None else bool(seen))
            for user, seq, kind, data, seen in rows("SELECT user_id, seq, kind, data, seen FROM events")
        }
        self.everything = "\n".join(row[0] for row in rows("SELECT data FROM events"))

    def is_deleted(self, post: int) -> bool:
        return self.posts[post]["deleted_at"] is not None

    def counts(self, post: int) -> tuple[int, int, int]:
        """Likes, dislikes and replies of a post, counted anew."""
        of_post = Counter(reaction for (number, _), (reaction, _) in self.reactions.items() if number == post)
        replies = sum(1 for number, row in self.posts.items() if row["thread"] == post and not self.is_deleted(number))
        return of_post["like"], of_post["dislike"], replies

    def badges(self, user: int) -> dict[str, int]:
        """The badges of an inbox, counted anew from what they stand for."""
        found: Counter[str] = Counter()
        for (post, _), (reaction, seq) in self.reactions.items():
            if self.posts[post]["author"] != user or self.is_deleted(post) or seq is None:
                continue
            kind, _, seen = self.events.get((user, seq), ("", {}, True))
            found[f"{reaction}s"] += seen is False and kind == reaction
        for (owner, _), (kind, data, seen) in self.events.items():
            if owner != user or seen is not False:
                continue
            if kind == "reply":
                found["replies"] += not self.is_deleted(data["reply"])
            elif kind == "notification":
                mention = data["data"]
                is_of_post = "mention" in mention
                found["notifications"] += not (is_of_post and self.is_deleted(mention["reply"] or mention["post"]))
        return {name: count for name, count in found.items() if count}


def written_post(kind: str, data: dict[str, Any]) -> int | None:
    """The post or reply whose body this event carries."""
    if kind == "reply":
        return int(data["reply"])
    if kind == "notification" and "mention" in data["data"]:
        return int(data["data"]["reply"] or data["data"]["post"])
    return None


def check(store: Store, users: Sequence[int]) -> Tables:
    """All that must hold between any two transactions."""
    with store.database.snapshot() as connection:
        tables = Tables(connection)
    for user in users:
        _check_inbox(tables, user)
    for number, row in tables.posts.items():
        assert (row["likes"], row["dislikes"], row["replies"]) == tables.counts(number), f"counts of {number}"
        assert (row["body"] == "") == tables.is_deleted(number)
    _check_content(tables)
    return tables


def _check_inbox(tables: Tables, user: int) -> None:
    seq, trimmed, badges = tables.inboxes[user]
    stored = json.loads(badges)
    assert {name: count for name, count in stored.items() if count} == tables.badges(user), f"badges of {user}"
    unseen = sum(1 for (owner, _), (_, _, seen) in tables.events.items() if owner == user and seen is False)
    assert sum(stored.values()) == unseen, "something is to be seen that does not stand"
    kept = {number for owner, number in tables.events if owner == user}
    assert set(range(trimmed + 1, seq + 1)) <= kept <= set(range(1, seq + 1)), "a hole"


def _check_content(tables: Tables) -> None:
    """Where the table says that content is, it is; and nowhere else."""
    noted = {(user, seq): post for post, user, seq in tables.post_events}
    assert len(noted) == len(tables.post_events)
    carried: dict[int, set[str]] = defaultdict(set)
    for place, (kind, data, _) in tables.events.items():
        post = written_post(kind, data)
        assert noted.get(place) == post, place
        if post is not None:
            carried[post].add(data["body"] or "")
    for (user, seq), post in noted.items():
        assert (user, seq) in tables.events or seq <= tables.inboxes[user][1], f"no event of {post}"
    for post, bodies in carried.items():
        assert bodies == {tables.posts[post]["body"]}
