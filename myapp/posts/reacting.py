"""Likes and dislikes: what many people think of one author's posts, in one transaction.

The author's inbox is locked first; then nobody else changes a reaction to any of the author's posts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from .. import inbox
from ..auth import blocks
from ..auth.people import Person
from ..db import Connection, Transaction, now_ms
from ..errors import AppError, NotFound, Text
from ..notifications import preferences
from ..notifications.kinds import kind_of
from ..statements import many, statement
from . import counts
from .allowed import Blocked, check_not_blocked
from .models import posts, reactions

Reaction = Literal["like", "dislike"]
REACTIONS: tuple[Reaction, ...] = ("like", "dislike")


class Wish(NamedTuple):
    """Somebody wants to think so of a post from now on; None: nothing any more."""

    by: Person
    post: int
    reaction: Reaction | None


class _Stands(NamedTuple):
    """A reaction as it is stored; `seq` is that of its event, None where the author was not told."""

    reaction: Reaction
    seq: int | None


_AUTHOR = statement(
    sa.select(posts.c.author_id).where(posts.c.id == sa.bindparam("post"), posts.c.deleted_at.is_(None))
)
_PUT = many(
    reactions,
    *("post_id", "user_id", "reaction", "at", "seq"),
    then=lambda insert: insert.on_conflict_do_update(
        index_elements=["post_id", "user_id"],
        set_={name: insert.excluded[name] for name in ("reaction", "at", "seq")},
    ),
)


def no_such_post(post: int) -> NotFound:
    return NotFound(Text("There is no post %(post)d, or it was deleted.", post=post))


def author_of(connection: Connection, post: int) -> int:
    """Raises NotFound, also where the post was deleted."""
    row = connection.one(_AUTHOR, post=post)
    if row is None:
        raise no_such_post(post)
    number: int = row[0]
    return number


def lock_author(transaction: Transaction, author: int) -> None:
    """What `react` needs locked."""
    inbox.lock(transaction, (author,))


def react(transaction: Transaction, author: int, wishes: Sequence[Wish]) -> list[counts.Counts | AppError]:
    """Do these wishes, one after the other, about posts of this author: the post's counts after all of them for each,
    or what is wrong with it.

    The author is told of each that is new or was taken back, but of nothing of their own, and not of what they have
    muted. Who thinks so already changes nothing.
    """
    return _Reacting(transaction, author, wishes).run(wishes)


class _Reacting:
    """One transaction: what stands, read once for all wishes and kept up to date."""

    def __init__(self, transaction: Transaction, author: int, wishes: Sequence[Wish]) -> None:
        self._transaction = transaction
        self._author = author
        wanted_posts, people = {wish.post for wish in wishes}, {wish.by.id for wish in wishes}
        standing_posts, standing, blocked, muted = transaction.each(
            (_select_posts(author, wanted_posts), {}),
            (_select_reactions(wanted_posts, people), {}),
            (blocks.select_between(author, people), {}),
            (preferences.MUTED, {"user": author}),
        )
        self._posts = {number: counts.Counts(*row) for number, *row in standing_posts}
        self._before = {(post, user): _Stands(reaction, seq) for post, user, reaction, seq in standing}
        self._now = dict(self._before)
        self._more: dict[int, Counter[str]] = {}
        self._withdrawn: list[int] = []
        self._blocked: Blocked = {(by, whom) for by, whom in blocked}
        self._muted = {row[0] for row in muted}

    def run(self, wishes: Sequence[Wish]) -> list[counts.Counts | AppError]:
        refused: dict[int, AppError] = {}
        for at, wish in enumerate(wishes):
            try:
                self._check(wish)
                self._do(wish)
            except AppError as error:
                refused[at] = error
        self._store()
        return [refused[at] if at in refused else self._posts[wish.post] for at, wish in enumerate(wishes)]

    def _check(self, wish: Wish) -> None:
        if wish.post not in self._posts:
            raise no_such_post(wish.post)
        if wish.reaction is not None:  # what one thought so far can always be taken back
            check_not_blocked(self._blocked, wish.by.id, self._author)

    def _do(self, wish: Wish) -> None:
        key = wish.post, wish.by.id
        before = self._now.get(key)
        if wish.reaction == (before.reaction if before else None):
            return
        more = self._more.setdefault(wish.post, Counter())
        if before is not None:
            more[before.reaction] -= 1
            del self._now[key]
            if before.seq is not None:
                self._withdrawn.append(before.seq)
                self._tell(wish, before.reaction, withdrawn=True)
        if wish.reaction is not None:
            more[wish.reaction] += 1
            self._now[key] = _Stands(wish.reaction, self._tell(wish, wish.reaction, withdrawn=False))

    def _tell(self, wish: Wish, reaction: Reaction, *, withdrawn: bool) -> int | None:
        """The author, where there is something to tell: the event's seq."""
        if not withdrawn and (wish.by.id == self._author or reaction in self._muted):
            return None
        data = {"post": wish.post, "by": wish.by.name, "by_name": wish.by.display_name, "withdrawn": withdrawn}
        notice = None if withdrawn else inbox.CountedBy(kind_of(reaction).badge)
        return inbox.append(self._transaction, self._author, reaction, data, notice=notice)

    def _store(self) -> None:
        transaction, at = self._transaction, now_ms()
        inbox.withdraw(transaction, self._author, self._withdrawn)
        put: list[dict[str, Any]] = []
        for key, after in self._now.items():
            if after != self._before.get(key):
                put.append({"post_id": key[0], "user_id": key[1], "at": at, **after._asdict()})
        transaction.queue_many(_PUT, put)
        for post in self._posts:
            gone = ",".join(str(user) for number, user in self._before.keys() - self._now.keys() if number == post)
            if gone:
                transaction.queue(f"DELETE FROM reactions WHERE post_id = {post} AND user_id IN ({gone})")
        for post, more in sorted(self._more.items()):  # in order of id, as everywhere
            if any(more.values()):
                self._posts[post] = counts.change(transaction, post, more["like"], more["dislike"])


def _select_posts(author: int, numbers: Iterable[int]) -> str:
    """Those of the posts that are the author's and not deleted; they stay so until the commit."""
    ids = ",".join(str(int(number)) for number in sorted(numbers))
    return (
        "SELECT id, likes, dislikes, replies, version, NULL FROM posts "
        f"WHERE id IN ({ids}) AND author_id = {int(author)} AND deleted_at IS NULL"
    )


def _select_reactions(numbers: Iterable[int], people: Iterable[int]) -> str:
    """What these people think of these posts, by post and person."""
    ids, users = (",".join(str(int(number)) for number in numbers) for numbers in (numbers, people))
    return f"SELECT post_id, user_id, reaction, seq FROM reactions WHERE post_id IN ({ids}) AND user_id IN ({users})"
