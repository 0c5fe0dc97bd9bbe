"""Likes and dislikes: what stands, what the author is told of, and what leaves the badges."""

from __future__ import annotations

from typing import Any

import pytest

from myapp.changed import Changed
from myapp.errors import AppError, Forbidden, NotFound
from myapp.posts.reacting import Reaction, Wish

from .conftest import Store
from .posting import Writers


@pytest.fixture
def writers(emptied: Store) -> Writers:
    return Writers(emptied, "ann", "bob", "cid")


def event(post: int, by: str, *, withdrawn: bool = False) -> dict[str, Any]:
    return {"post": post, "by": by, "by_name": by.title(), "withdrawn": withdrawn}


def test_author_is_told_of_a_like_and_of_a_dislike(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    assert writers.react(bob, post).as_json() == {"likes": 1, "dislikes": 0, "replies": 0}
    assert writers.react(cid, post, "dislike").as_json() == {"likes": 1, "dislikes": 1, "replies": 0}
    assert writers.told(ann) == [("like", event(post, "bob")), ("dislike", event(post, "cid"))]
    assert writers.badges(ann) == {"likes": 1, "dislikes": 1}
    assert [writers.post(post, one)["reaction"] for one in writers.people] == [None, "like", "dislike"]
    writers.check()


def test_same_again_changes_nothing(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    first = writers.react(bob, post)
    writers.store.write("UPDATE reactions SET at = 1")
    news: list[Any] = []
    writers.database.publish = news.extend
    assert writers.react(bob, post) == first
    assert writers.store.count("reactions WHERE at = 1") == 1
    assert writers.react(ann, post, None) == first
    assert news == []
    assert len(writers.told(ann)) == 1


def test_what_is_taken_back_is_told_and_leaves_the_badge(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    assert writers.react(bob, post, None).likes == 0
    assert writers.told(ann)[1:] == [("like", event(post, "bob", withdrawn=True))]
    assert writers.badges(ann) == {}
    assert writers.store.count("reactions") == 0
    writers.check()


def test_one_takes_the_place_of_the_other(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    found = writers.react(bob, post, "dislike")
    assert (found.likes, found.dislikes) == (0, 1)
    assert writers.told(ann)[1:] == [("like", event(post, "bob", withdrawn=True)), ("dislike", event(post, "bob"))]
    assert writers.badges(ann) == {"dislikes": 1}
    writers.check()


def test_what_was_seen_is_taken_back_without_a_badge_below_nothing(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    writers.see(ann, post)
    writers.react(cid, post)
    writers.react(bob, post, None)
    assert writers.badges(ann) == {"likes": 1}
    writers.check()


@pytest.mark.parametrize("old_notices", [0, 2**53], ids=["kept", "forgotten"])
@pytest.mark.parametrize("is_seen", [True, False])
def test_what_is_not_kept_as_an_event_any_more_is_taken_back(
    writers: Writers, old_notices: int, *, is_seen: bool
) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    writers.react(cid, post), writers.react(bob, post)
    if is_seen:
        writers.see(ann, post)
    writers.trim(ann, writers.store.head(ann.id).seq, old_notices)
    writers.react(bob, post, None)
    assert writers.badges(ann) == ({} if is_seen else {"likes": 1})
    writers.check()
    writers.react(bob, post)
    assert writers.badges(ann) == {"likes": 1 if is_seen else 2}
    writers.check()


def test_nobody_is_told_of_what_they_think_of_their_own(writers: Writers) -> None:
    ann, *_ = writers.people
    post = writers.write(ann)
    assert writers.react(ann, post).likes == 1
    assert writers.react(ann, post, "dislike").as_json() == {"likes": 0, "dislikes": 1, "replies": 0}
    writers.react(ann, post, None)
    assert writers.told(ann) == []


def test_what_is_muted_counts_and_is_not_told_neither_when_it_is_taken_back(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    writers.mute(ann, "like")
    assert writers.react(bob, post).likes == 1
    assert writers.told(ann) == []
    writers.mute(ann, "like", False)
    writers.react(bob, post, None)
    assert writers.told(ann) == []
    writers.react(cid, post)
    writers.mute(ann, "like")
    writers.react(cid, post, None)  # that was told
    assert writers.told(ann)[-1] == ("like", event(post, "cid", withdrawn=True))
    assert writers.badges(ann) == {}
    writers.check()


def test_like_of_a_reply_is_told_to_who_wrote_it(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post)
    writers.react(cid, reply)
    assert writers.told(bob) == [("like", event(reply, "cid"))]
    assert writers.post(reply)["counts"]["likes"] == 1
    assert writers.post(post)["counts"]["likes"] == 0


def test_who_is_blocked_takes_back_and_does_nothing_else(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    writers.block(ann, bob)
    with pytest.raises(Forbidden):
        writers.react(bob, post, "dislike")
    with pytest.raises(Forbidden):
        writers.react(bob, post)
    assert writers.react(bob, post, None).likes == 0
    writers.block(cid, ann)
    with pytest.raises(Forbidden, match="unblock"):
        writers.react(cid, post)
    writers.check()


def test_nobody_reacts_to_what_is_not_there_or_was_deleted(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    writers.react(bob, post)
    with pytest.raises(NotFound):
        writers.react(bob, post + 1)
    writers.delete(ann, post)
    for reaction in ("like", None):
        with pytest.raises(NotFound):
            writers.react(bob, post, reaction)
    (result,) = writers.of_author(ann.id, [Wish(bob, post, None)])
    assert isinstance(result, NotFound)


def test_those_who_have_it_on_screen_are_told_the_counts(writers: Writers) -> None:
    ann, bob, _ = writers.people
    post = writers.write(ann)
    news: list[Any] = []
    writers.database.publish = news.extend
    found = writers.react(bob, post)
    data = '{"likes":1,"dislikes":0,"replies":0,"deleted":false}'
    assert Changed(f"post:{post}", found.version, data) in news


# -- many at once


def test_many_wishes_are_done_in_their_order_in_one_transaction(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post, other = writers.write(ann), writers.write(ann)
    news: list[Any] = []
    writers.database.publish = news.extend
    order: list[Reaction | None] = ["like", None, "dislike", "like"]
    results = writers.together(
        *(Wish(bob, post, reaction) for reaction in order), Wish(cid, post, "like"), Wish(cid, other, "dislike")
    )
    assert [result.as_json()["likes"] for result in results if not isinstance(result, AppError)] == [2, 2, 2, 2, 2, 0]
    assert [(kind, data["withdrawn"]) for kind, data in writers.told(ann)] == [
        ("like", False),
        ("like", True),
        ("dislike", False),
        ("dislike", True),
        ("like", False),
        ("like", False),
        ("dislike", False),
    ]
    assert writers.badges(ann) == {"likes": 2, "dislikes": 1}
    assert [one.topic for one in news if isinstance(one, Changed)] == [f"post:{post}", f"post:{other}"]
    writers.check()


def test_wishes_that_are_refused_keep_no_others_from_being_done(writers: Writers) -> None:
    ann, bob, cid = writers.people
    post, foreign = writers.write(ann), writers.write(cid)
    writers.block(ann, bob)
    results = writers.of_author(
        ann.id,
        [
            Wish(bob, post, "like"),
            Wish(cid, post, "like"),
            Wish(cid, foreign, "like"),
            Wish(cid, 2**53, "like"),
            Wish(bob, post, None),
            Wish(ann, post, "dislike"),
        ],
    )
    assert [type(result).__name__ for result in results] == [
        "Forbidden",
        "Counts",
        "NotFound",
        "NotFound",
        "Counts",
        "Counts",
    ]
    assert writers.post(post)["counts"] == {"likes": 1, "dislikes": 1, "replies": 0}
    writers.check()


def test_many_who_come_and_go_in_one_transaction_leave_nothing(writers: Writers) -> None:
    ann, *_ = writers.people
    post = writers.write(ann)
    version = writers.post(post)["version"]
    crowd = [person for person in writers.people[1:]] * 20
    wishes = [Wish(person, post, reaction) for person in crowd for reaction in ("like", "dislike", None)]
    writers.together(*wishes)
    assert writers.post(post)["counts"] == {"likes": 0, "dislikes": 0, "replies": 0}
    assert writers.post(post)["version"] == version
    assert writers.badges(ann) == {}
    assert writers.store.count("reactions") == 0
    writers.check()
