"""Writing posts, replying, deleting; who is told of it, and what is left."""

from __future__ import annotations

from typing import Any

import pytest

from myapp.auth import blocks
from myapp.changed import Changed
from myapp.db import now_ms
from myapp.errors import Conflict, Forbidden, Invalid, NotFound
from myapp.inbox.events import PAGE_BYTES
from myapp.posts import counts, reading
from myapp.texts import KEY_LIFE

from .conftest import Store
from .posting import Writers


@pytest.fixture
def writers(emptied: Store) -> Writers:
    return Writers(emptied, "ann", "bob", "cid", "dan")


def changed(news: list[Any]) -> dict[str, str]:
    """The data of each topic that was told of, as it was told last."""
    return {one.topic: one.data for one in news if isinstance(one, Changed)}


# -- writing


def test_post_is_as_it_was_written(writers: Writers) -> None:
    ann = writers.people[0]
    before = now_ms()
    number = writers.write(ann, " \u202eHello\U0001f642\r\n\t<b> ")
    post = writers.post(number)
    assert post["body"] == " \u202eHello\U0001f642\r\n\t<b> "
    assert (post["id"], post["thread"], post["by"], post["by_name"]) == (number, None, "ann", "Ann")
    assert post["counts"] == {"likes": 0, "dislikes": 0, "replies": 0}
    assert (post["deleted"], post["blocked"], post["reaction"]) == (False, False, None)
    assert before <= post["version"] <= now_ms()


@pytest.mark.parametrize("body", ["", " \n\u2003", "x" * 4001, "a\x00b", "a\ud800"])
def test_body_that_cannot_be_one_is_refused_and_nothing_is_stored(writers: Writers, body: str) -> None:
    ann = writers.people[0]
    post = writers.write(ann)
    with pytest.raises(Invalid):
        writers.write(ann, body)
    with pytest.raises(Invalid):
        writers.reply(ann, post, body)
    assert writers.store.count("posts") == 1


def test_same_key_is_the_same_post(writers: Writers) -> None:
    ann, bob = writers.people[:2]
    post = writers.write(ann, "one", "k")
    assert writers.write(ann, "one", "k") == post
    assert writers.write(bob, "one", "k") != post
    reply = writers.reply(ann, post, "two", "k2")
    assert writers.reply(ann, post, "two", "k2") == reply
    assert writers.reply(ann, reply, "two", "k2") == reply
    assert writers.post(post)["counts"]["replies"] == 1
    assert writers.store.count("posts") == 3


def test_key_that_was_used_for_something_else_is_a_conflict(writers: Writers) -> None:
    ann = writers.people[0]
    post, other = writers.write(ann, "one", "k"), writers.write(ann, "other")
    writers.reply(ann, post, "reply", "r")
    for again in (
        lambda: writers.write(ann, "two", "k"),
        lambda: writers.reply(ann, post, "one", "k"),
        lambda: writers.reply(ann, other, "reply", "r"),
    ):
        with pytest.raises(Conflict):
            again()


def test_old_key_is_free_again(writers: Writers) -> None:
    ann = writers.people[0]
    post = writers.write(ann, "one", "k")
    writers.store.write(f"UPDATE posts SET at = at - {KEY_LIFE + 1}")
    assert writers.write(ann, "two", "k") != post


def test_post_that_is_sent_again_after_it_was_deleted_stays_deleted(writers: Writers) -> None:
    ann, bob = writers.people[:2]
    post = writers.write(ann, "one @bob", "k")
    writers.delete(ann, post)
    assert writers.write(ann, "one @bob", "k") == post
    assert writers.post(post)["deleted"]
    assert writers.badges(bob) == {}
    assert writers.store.count("posts") == 1


def test_new_post_is_news_of_the_feed(writers: Writers) -> None:
    news: list[Any] = []
    writers.database.publish = news.extend
    first = writers.write(writers.people[0])
    second = writers.write(writers.people[1])
    assert [one.topic for one in news] == [counts.FEED, counts.FEED]
    assert news[1].data == f'{{"newest":{second},"recent":[{{"id":{second},"by":"bob"}},{{"id":{first},"by":"ann"}}]}}'
    assert news[1].version > news[0].version


def test_feed_names_the_newest_posts_and_no_replies_nor_deleted_ones(writers: Writers) -> None:
    ann = writers.people[0]
    numbers = [writers.write(ann) for _ in range(counts.RECENT + 2)]
    writers.reply(ann, numbers[-1])
    news: list[Any] = []
    writers.database.publish = news.extend
    writers.delete(ann, numbers[-1])
    with writers.database.read() as connection:
        version, data = counts.current(connection, [counts.FEED])[counts.FEED]
    assert changed(news)[counts.FEED] == data
    left = numbers[-2:0:-1]
    assert data == f'{{"newest":{left[0]},"recent":[' + ",".join(f'{{"id":{one},"by":"ann"}}' for one in left) + "]}"


def test_feed_without_posts_has_a_version_too(writers: Writers) -> None:
    with writers.database.read() as connection:
        current = counts.current(connection, ["posts", "post:17"])
    assert current.keys() == {"posts"}
    version, data = current["posts"]
    assert version >= 1
    assert data == '{"newest":0,"recent":[]}'


def test_version_grows_though_the_clock_is_put_back(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = writers.people[:2]
    post = writers.write(ann)
    writers.write(ann)
    with writers.database.read() as connection:
        before = counts.current(connection, ["posts", f"post:{post}"])
    for module in ("posts.counts", "posts.writing", "inbox.facts"):
        monkeypatch.setattr(f"myapp.{module}.now_ms", lambda: 1000)
    writers.react(bob, post)
    writers.write(ann)
    with writers.database.read() as connection:
        after = counts.current(connection, ["posts", f"post:{post}"])
    assert {topic: version - before[topic][0] for topic, (version, _) in after.items()} == {
        "posts": 1,
        f"post:{post}": 1,
    }


# -- replies


def test_reply_is_told_to_the_author_and_to_who_replied_before(writers: Writers) -> None:
    ann, bob, cid, dan = writers.people
    post = writers.write(ann)
    writers.reply(bob, post)
    writers.reply(cid, post)
    third = writers.reply(bob, post, "third")
    event = "reply", {"post": post, "reply": third, "by": "bob", "by_name": "Bob", "body": "third"}
    assert writers.told(ann)[-1] == writers.told(cid)[-1] == event
    assert writers.badges(ann) == {"replies": 3}
    assert writers.badges(bob) == writers.badges(cid) == {"replies": 1}
    assert writers.badges(dan) == {}
    assert writers.post(post)["counts"]["replies"] == 3
    writers.check()


def test_reply_to_a_reply_belongs_to_the_same_thread(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post)
    answer = writers.reply(cid, reply)
    assert writers.post(answer)["thread"] == post
    assert writers.post(reply)["counts"]["replies"] == 0
    assert writers.post(post)["counts"]["replies"] == 2
    assert writers.replies(ann, post) == [reply, answer]
    assert [data["post"] for _, data in writers.told(bob)] == [post]


def test_who_deleted_all_their_replies_hears_no_more(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    writers.delete(bob, writers.reply(bob, post))
    writers.reply(cid, post)
    assert [kind for kind, _ in writers.told(bob)] == ["deleted"]


def test_at_most_200_who_replied_last_are_told(writers: Writers) -> None:
    ann, bob, cid, dan = writers.people
    post = writers.write(ann)
    others = writers.store.add(201)
    with writers.database.transaction() as transaction:
        for user in others:
            transaction.driver.execute(
                "INSERT INTO posts (author_id, thread_id, body, at, version, likes, dislikes, replies) "
                f"VALUES ({user}, {post}, 'x', 1, 1, 0, 0, 0)"
            )
    writers.reply(bob, post)
    assert writers.store.head(others[0]).seq == 0
    assert all(writers.store.head(user).seq == 1 for user in others[1:])
    assert writers.badges(ann) == {"replies": 1}


def test_nobody_replies_to_what_is_not_there_or_was_deleted(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post)
    with pytest.raises(NotFound):
        writers.reply(bob, 2**53)
    writers.delete(bob, reply)
    with pytest.raises(NotFound):
        writers.reply(cid, reply)
    other = writers.reply(cid, post)
    writers.delete(ann, post)
    for to in (post, other):
        with pytest.raises(NotFound):
            writers.reply(bob, to)


def test_nobody_answers_who_has_blocked_them_nor_whom_they_have_blocked(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post)
    writers.block(bob, cid)
    with pytest.raises(Forbidden):
        writers.reply(cid, reply)
    with pytest.raises(Forbidden):
        writers.reply(bob, writers.reply(cid, post))
    writers.block(ann, bob)
    for by, to in ((bob, post), (bob, reply)):
        with pytest.raises(Forbidden):
            writers.reply(by, to)
    writers.unblock(ann, bob)
    writers.reply(bob, post)


def test_reply_that_is_sent_again_after_a_block_is_the_same_one(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post, "hello", "k")
    writers.block(ann, bob)
    assert writers.reply(bob, post, "hello", "k") == reply
    writers.check()


def test_who_has_blocked_the_replier_is_not_told_and_does_not_see_it(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    own = writers.reply(bob, post)
    writers.block(bob, cid)
    reply = writers.reply(cid, post, "hello @bob")
    assert writers.told(bob) == []
    assert writers.replies(bob, post) == [own]
    assert writers.replies(ann, post) == writers.replies(cid, post) == [own, reply]
    assert writers.post(post, bob)["counts"] == writers.post(post, ann)["counts"]
    assert writers.post(reply, bob)["blocked"]


def test_feed_leaves_out_deleted_ones_and_those_of_who_was_blocked(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    one, two, three = writers.write(ann), writers.write(bob), writers.write(ann)
    writers.reply(ann, one)
    assert writers.feed(ann) == [three, two, one]
    assert writers.feed(ann, three, 1) == [two]
    writers.block(ann, bob)
    assert writers.feed(ann) == [three, one]
    assert writers.feed(bob) == [three, two, one]
    writers.delete(ann, three)
    assert writers.feed(bob) == [two, one]


def test_parts_follow_each_other_and_say_whether_there_is_more(writers: Writers) -> None:
    ann = writers.people[0]
    post = writers.write(ann)
    numbers = [writers.reply(ann, post) for _ in range(5)]
    with writers.database.read() as connection:
        part = reading.replies(connection, ann.id, post, 0, 3)
        assert ([one["id"] for one in part.posts], part.more) == (numbers[:3], True)
        part = reading.replies(connection, ann.id, post, numbers[2], 3)
        assert ([one["id"] for one in part.posts], part.more) == (numbers[3:], False)
        assert reading.feed(connection, ann.id, 2**53, 1).more is False


# -- deleting


def test_deleted_post_is_without_content_and_its_replies_stay(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    post = writers.write(ann, "secret")
    reply = writers.reply(bob, post)
    version = writers.post(post)["version"]
    writers.delete(ann, post)
    found = writers.post(post)
    assert (found["body"], found["deleted"], found["counts"]["replies"]) == ("", True, 1)
    assert found["version"] > version
    assert writers.replies(ann, post) == [reply]
    assert writers.feed(ann) == []
    writers.check()


def test_deleted_reply_is_blanked_in_every_inbox_and_leaves_the_badges(writers: Writers) -> None:
    ann, bob, cid, dan = writers.people
    post = writers.write(ann)
    writers.reply(bob, post)
    reply = writers.reply(cid, post, "secret @dan")
    assert [writers.badges(one) for one in (ann, bob, dan)] == [
        {"replies": 2},
        {"replies": 1},
        {"notifications": 1},
    ]
    writers.see(bob, post)
    writers.delete(cid, reply)
    assert [writers.badges(one) for one in (ann, bob, cid, dan)] == [{"replies": 1}, {}, {}, {}]
    what = "deleted", {"kind": "reply", "id": reply, "post": post}
    assert all(writers.told(one)[-1] == what for one in writers.people)
    assert [data["body"] for kind, data in writers.told(ann) if kind == "reply"] == ["hello", ""]
    assert [data["body"] for kind, data in writers.told(dan) if kind == "notification"] == [""]
    assert writers.post(post)["counts"]["replies"] == 1
    writers.check()


def test_deleted_post_takes_the_likes_of_it_from_the_badge_and_no_others(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post, other = writers.write(ann), writers.write(ann)
    writers.react(bob, post), writers.react(cid, post, "dislike"), writers.react(bob, other)
    writers.reply(bob, post)
    assert writers.badges(ann) == {"likes": 2, "dislikes": 1, "replies": 1}
    writers.delete(ann, post)
    assert writers.badges(ann) == {"likes": 1, "replies": 1}
    assert writers.post(post)["counts"]["likes"] == 1
    writers.check()


def test_deleting_twice_changes_nothing(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    reply = writers.reply(bob, post)
    writers.delete(bob, reply)
    before = writers.store.head(ann.id), writers.store.head(bob.id), writers.post(post)
    writers.delete(bob, reply)
    assert (writers.store.head(ann.id), writers.store.head(bob.id), writers.post(post)) == before


def test_only_the_author_and_administrators_delete(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    with pytest.raises(Forbidden):
        writers.delete(bob, post)
    with pytest.raises(NotFound):
        writers.delete(bob, post + 1)
    writers.delete(bob, post, is_admin=True)
    assert writers.post(post)["deleted"]
    assert [kind for kind, _ in writers.told(ann)] == ["deleted"]


def test_content_is_blanked_where_the_event_was_trimmed_or_kept_for_the_list(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    writers.reply(bob, post)
    reply = writers.reply(cid, post, "secret")
    writers.see(bob, post)
    writers.trim(bob, 2, 2**53)  # nothing is kept
    writers.trim(ann, 2)  # as notices
    writers.delete(cid, reply)
    assert "secret" not in writers.check().everything
    assert writers.badges(ann) == {"replies": 1}


def test_event_of_the_longest_text_is_told_to_many(writers: Writers) -> None:
    """Four bytes for each character, and control characters, which take six in JSON."""
    ann, bob, cid, _ = writers.people
    post = writers.write(ann)
    writers.reply(bob, post)
    for body in ("\U0001f642" * 4000, "\x01" * 3999 + "x", '"\\' * 2000):
        reply = writers.reply(cid, post, body)
        page = writers.store.after(bob.id, writers.store.head(bob.id).seq - 1)
        assert len(page.events) == 1
        assert len(page.events[0].text.encode()) < PAGE_BYTES
        assert writers.told(bob)[-1][1]["body"] == body
        writers.delete(cid, reply)
    writers.check()


def test_block_is_between_two_and_one_way(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    writers.block(ann, bob)
    writers.block(ann, bob)
    with writers.database.read() as connection:
        assert [person.id for person in blocks.listed(connection, ann.id)] == [bob.id]
        assert blocks.listed(connection, bob.id) == []
        assert blocks.between(connection, bob.id, [ann.id, cid.id]) == {(ann.id, bob.id)}
        assert blocks.pairs(connection, [ann.id, cid.id], [bob.id]) == {(ann.id, bob.id)}
        assert blocks.pairs(connection, [], [bob.id]) == blocks.between(connection, bob.id, []) == set()
    writers.unblock(ann, bob)
    with writers.database.read() as connection:
        assert blocks.listed(connection, ann.id) == []
