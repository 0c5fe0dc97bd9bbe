"""Opening a thread: what one was told about it is seen, and nothing else."""

from __future__ import annotations

import pytest

from myapp import inbox
from myapp.notifications import service as notices
from myapp.notifications.content import Content
from myapp.notifications.service import Source
from myapp.posts import seeing

from .conftest import Store
from .posting import Writers


@pytest.fixture
def writers(emptied: Store) -> Writers:
    return Writers(emptied, "ann", "bob", "cid")


def has_unseen(writers: Writers, number: int) -> bool:
    with writers.database.read() as connection:
        return seeing.has_unseen(connection, writers.people[0].id, number)


def test_all_that_one_was_told_about_a_thread_is_seen(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post, other = writers.write(ann), writers.write(bob, "hello @ann")
    own = writers.reply(ann, post)
    writers.reply(bob, post)
    writers.react(bob, post), writers.react(cid, own), writers.react(cid, post, "dislike"), writers.react(bob, own)
    writers.react(cid, writers.write(ann))
    assert writers.badges(ann) == {"notifications": 1, "replies": 1, "likes": 4, "dislikes": 1}
    assert has_unseen(writers, post)
    seq = writers.store.head(ann.id).seq
    writers.see(ann, post)
    assert writers.badges(ann) == {"notifications": 1, "likes": 1}
    assert writers.told(ann, seq) == [("seen", {"badges": [], "upto": 0, "seqs": [2, 3, 4, 5, 6]})]
    assert not has_unseen(writers, post)
    writers.see(ann, other)
    assert writers.badges(ann) == {"likes": 1}
    writers.check()


def test_opening_a_thread_again_changes_nothing(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    writers.see(ann, post)
    before = writers.store.head(ann.id)
    writers.see(ann, post), writers.see(ann, post + 1), writers.see(bob, post)
    assert writers.store.head(ann.id) == before
    assert writers.store.head(bob.id).seq == 0


def test_of_a_reply_what_was_told_of_it_alone_is_seen(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    first, second = writers.reply(bob, post), writers.reply(cid, post)
    own = writers.reply(ann, post)
    writers.react(bob, own)
    writers.see(ann, first), writers.see(ann, own)
    assert writers.badges(ann) == {"replies": 1}
    assert has_unseen(writers, second)


def test_mention_is_seen_where_it_is(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(bob)
    writers.reply(bob, post, "@ann"), writers.write(bob, "@ann")
    writers.see(ann, post)
    assert writers.badges(ann) == {"notifications": 1}


def test_number_of_something_else_that_is_called_post_is_none(writers: Writers) -> None:
    """Other systems, and the application, put into `data` what they like."""
    ann, *_ = writers.people
    post = writers.write(ann)
    with writers.database.transaction() as transaction:
        for data in ({"post": post}, {"post": post, "reply": post, "mention": {}}, {"post": str(post)}):
            notices.notify(transaction, ann.id, Content("of a shop", data=data), source=Source(7, "shop"))
        notices.emit(transaction, ann.id, "order-shipped", {"post": post})
    unseen = writers.badges(ann)
    writers.see(ann, post)
    assert writers.badges(ann) == unseen == {"notifications": 3}
    assert not has_unseen(writers, post)


def test_very_much_is_seen_in_pieces(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox.seen, "MOST_SEQS", 2)
    ann, bob, cid = writers.people
    numbers = [writers.write(ann) for _ in range(2)]
    for number in numbers:
        writers.react(bob, number), writers.react(cid, number, "dislike")
    for _ in range(3):
        writers.reply(bob, numbers[0])
    writers.see(ann, numbers[0])
    assert writers.badges(ann) == {"likes": 1, "dislikes": 1}
    assert [data["seqs"] for kind, data in writers.told(ann) if kind == "seen"] == [[1, 2], [5, 6], [7]]
    writers.check()


def test_piece_does_not_look_again_at_what_the_pieces_before_have_left(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    writers.react(bob, post), writers.react(cid, post)
    with writers.database.transaction() as transaction:
        marked = seeing.mark_seen(transaction, ann.id, post, after=1)
    assert (marked.upto, marked.is_last, writers.badges(ann)) == (2, True, {"likes": 1})
