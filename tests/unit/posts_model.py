"""What people's inboxes must be after they have written, reacted, deleted, blocked: a model in plain Python.

And tabs: clients that know nothing but their cursor and what events told them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from myapp import inbox
from myapp.auth.people import Person

from .conftest import Store
from .posting import written_post

BADGE = {"like": "likes", "dislike": "dislikes", "reply": "replies", "notification": "notifications"}


@dataclass
class Told:
    """An event. `seen` is None where there is nothing to see, `post` whose body it carries."""

    kind: str
    data: dict[str, Any]
    seen: bool | None = None
    post: int | None = None
    is_gone: bool = False


@dataclass
class Post:
    author: int
    thread: int | None
    body: str
    is_deleted: bool = False


@dataclass
class Inbox:
    events: list[Told] = field(default_factory=list)
    trimmed: int = 0

    def unseen(self) -> list[Told]:
        return [told for told in self.events if told.seen is False]

    def badges(self) -> dict[str, int]:
        return dict(Counter(BADGE[told.kind] for told in self.unseen()))


class Refused(Exception):
    """What is wished for cannot be; `name` is that of the error's class."""

    def __init__(self, name: str) -> None:
        self.name = name


class Model:
    """The world as it must be. `posts` by number, as the database gave them out."""

    def __init__(self, everybody: list[Person]) -> None:
        self.people = {person.id: person for person in everybody}
        self.inboxes = {person.id: Inbox() for person in everybody}
        self.posts: dict[int, Post] = {}
        self.reactions: dict[tuple[int, int], tuple[str, Told | None]] = {}
        self.blocks: set[tuple[int, int]] = set()
        self.mutes: set[tuple[int, str]] = set()

    def _tell(self, user: int, told: Told) -> Told:
        self.inboxes[user].events.append(told)
        return told

    def _standing(self, post: int) -> Post:
        if post not in self.posts or self.posts[post].is_deleted:
            raise Refused("NotFound")
        return self.posts[post]

    def _check_not_blocked(self, one: int, other: int) -> None:
        if {(one, other), (other, one)} & self.blocks:
            raise Refused("Forbidden")

    def _hears(self, user: int, of: int, kind: str) -> bool:
        return user != of and (user, of) not in self.blocks and (user, kind) not in self.mutes

    def _mention(self, user: int, by: int, number: int, thread: int | None, body: str) -> None:
        person = self.people[by]
        data = {
            "source": None,
            "title": f"{person.display_name} mentioned you",
            "body": body,
            "url": f"/posts/{thread or number}#post-{number}",
            "badge": None,
            "data": {
                "post": thread or number,
                "reply": number if thread else None,
                "mention": {"by": person.name, "by_name": person.display_name},
            },
        }
        self._tell(user, Told("notification", data, False, number))

    def write(self, by: int, number: int, body: str, mentioned: list[int]) -> None:
        self.posts[number] = Post(by, None, body)
        for user in dict.fromkeys(mentioned):
            if self._hears(user, by, "notification"):
                self._mention(user, by, number, None, body)

    def check_reply(self, by: int, to: int) -> int:
        """The thread. Raises Refused."""
        thread = self._standing(to).thread or to
        owner = self._standing(thread).author
        for author in (owner, self.posts[to].author):
            self._check_not_blocked(by, author)
        return thread

    def reply(self, by: int, thread: int, number: int, body: str, mentioned: list[int]) -> None:
        person = self.people[by]
        in_thread = {post.author for post in self.posts.values() if post.thread == thread and not post.is_deleted}
        self.posts[number] = Post(by, thread, body)
        hearers = {user for user in {self.posts[thread].author, *in_thread} if self._hears(user, by, "reply")}
        for user in hearers:
            data = {"post": thread, "reply": number, "by": person.name, "by_name": person.display_name, "body": body}
            self._tell(user, Told("reply", data, False, number))
        for user in dict.fromkeys(mentioned):
            if user not in hearers and self._hears(user, by, "notification"):
                self._mention(user, by, number, thread, body)

    def react(self, by: int, post: int, reaction: str | None) -> None:
        author = self._standing(post).author
        if reaction is not None:
            self._check_not_blocked(by, author)
        before, event = self.reactions.get((post, by), (None, None))
        if before == reaction:
            return
        person = self.people[by]
        data = {"post": post, "by": person.name, "by_name": person.display_name}
        self.reactions.pop((post, by), None)
        if event is not None and before is not None:
            event.seen = None
            self._tell(author, Told(before, {**data, "withdrawn": True}))
        if reaction is not None:
            told = None
            if self._hears(author, by, reaction):
                told = self._tell(author, Told(reaction, {**data, "withdrawn": False}, False))
            self.reactions[post, by] = reaction, told

    def delete(self, by: int, post: int, is_admin: bool) -> None:
        found = self.posts[post]
        if found.author != by and not is_admin:
            raise Refused("Forbidden")
        if found.is_deleted:
            return
        found.is_deleted, found.body = True, ""
        hearers = {found.author}
        for user, its in self.inboxes.items():
            for told in its.events:
                if told.post == post:
                    hearers.add(user)
                    told.seen, told.data = None, {**told.data, "body": ""}
                elif user == found.author and told.kind in ("like", "dislike") and told.data["post"] == post:
                    told.seen = told.seen or None
        for user in hearers:
            what = {"kind": "reply" if found.thread else "post", "id": post, "post": found.thread or post}
            self._tell(user, Told("deleted", what))

    def _seen(self, user: int, which: list[Told]) -> None:
        for told in which:
            told.seen = True
        if which:
            self._tell(user, Told("seen", {}))

    def see_thread(self, user: int, thread: int) -> None:
        numbers = {thread, *(number for number, post in self.posts.items() if post.thread == thread)}
        is_about = [told for told in self.inboxes[user].unseen() if (told.post or told.data["post"]) in numbers]
        self._seen(user, is_about)

    def see_badges(self, user: int, badges: Sequence[str], upto: int) -> None:
        self._seen(user, [told for told in self._upto(user, upto) if BADGE[told.kind] in badges])

    def see_some(self, user: int, seqs: set[int]) -> None:
        events = self.inboxes[user].events
        self._seen(user, [events[seq - 1] for seq in sorted(seqs) if events[seq - 1].seen is False])

    def _upto(self, user: int, upto: int) -> list[Told]:
        return [told for told in self.inboxes[user].events[:upto] if told.seen is False]

    def trim(self, user: int, upto: int, is_long_after: bool) -> None:
        its = self.inboxes[user]
        its.trimmed = max(its.trimmed, upto)
        if is_long_after:
            for told in its.events[: its.trimmed]:
                told.is_gone = told.is_gone or told.seen is True

    def kept(self, user: int) -> dict[int, Told]:
        """What is stored of the inbox, by seq."""
        its = self.inboxes[user]
        numbered = enumerate(its.events, 1)
        return {
            seq: told for seq, told in numbered if seq > its.trimmed or (told.seen is not None and not told.is_gone)
        }


class Tab:
    """One tab of a user's: it follows the inbox from its cursor and keeps what is to be seen, told by events alone.

    Anything that it needs to know comes with them: it does not ask again, but for a reset.
    """

    def __init__(self, store: Store, user: int) -> None:
        self.store = store
        self.user = user
        self.load()

    def load(self) -> None:
        """As a page that is loaded: what is unseen, and where that stands."""
        with self.store.database.snapshot() as connection:
            head = inbox.head(connection, self.user)
            notices = inbox.notices(connection, self.user, 2**53, 10_000)
        self.cursor, self.badges = head.seq, json.loads(head.badges)
        self.unseen = {one.seq: (one.kind, json.loads(one.data)) for one in notices if not one.seen}

    def follow(self, limit: int, *, is_lost: bool = False) -> None:
        """One answer; where it is lost nothing is known of it."""
        page = self.store.after(self.user, self.cursor, limit=limit)
        if is_lost:
            return
        if page.reset:
            self.load()
            return
        for text in page.events:
            event = json.loads(text.text)
            assert event["seq"] == self.cursor + 1
            self.cursor += 1
            self.take(event["seq"], event["kind"], event["data"])
        self.badges = json.loads(page.badges)
        if self.cursor == page.latest:
            self.check()

    def take(self, seq: int, kind: str, data: dict[str, Any]) -> None:
        if kind in ("like", "dislike"):
            if data["withdrawn"]:
                self._forget(lambda one, of: one == kind and (of["post"], of["by"]) == (data["post"], data["by"]))
            else:
                self.unseen[seq] = kind, data
        elif kind == "deleted":
            number = data["id"]
            self._forget(
                lambda one, of: of["post"] == number if one in ("like", "dislike") else written_post(one, of) == number
            )
        elif kind == "seen":
            for number, (one, _) in list(self.unseen.items()):
                if number in data.get("seqs", ()) or (number <= data["upto"] and BADGE[one] in data["badges"]):
                    del self.unseen[number]
        else:
            self.unseen[seq] = kind, data

    def _forget(self, is_meant: Any) -> None:
        self.unseen = {seq: (kind, data) for seq, (kind, data) in self.unseen.items() if not is_meant(kind, data)}

    def check(self) -> None:
        """What it shows as new is as much as the badges say."""
        shown = Counter(BADGE[kind] for kind, _ in self.unseen.values())
        assert {name: count for name, count in self.badges.items() if count} == shown
