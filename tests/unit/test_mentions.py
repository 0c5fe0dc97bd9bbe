"""Who is mentioned in a text, and is told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.auth.people import Person
from myapp.posts import bodies, mentions

from .conftest import Store
from .posting import Writers


@pytest.fixture
def writers(emptied: Store) -> Writers:
    return Writers(emptied, "ann", "bob", "cid", "dan")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("@bob", ["bob"]),
        ("hello @Bob, and @ANN!", ["bob", "ann"]),
        ("(@bob) '@ann' *@cid*", ["bob", "ann", "cid"]),
        ("@bob.", ["bob"]),
        ("@bob... yes", ["bob"]),
        ("@bob- no", ["bob"]),
        ("@a.b-c_d", ["a.b-c_d"]),
        ("@bob\n@bob @bob", ["bob"]),
        ("你好@bob你好", ["bob"]),
        ("@7", ["7"]),
        ("@" + "x" * 32, ["x" * 32]),
        # no mentions
        ("", []),
        ("@", []),
        ("@ bob", []),
        ("ann@bob", []),
        ("ann@bob.org", []),
        ("ann.@bob", []),
        ("https://example.org/@bob", []),
        ("@@bob", []),
        ("@bob@example.org", []),
        ("@bob.ann@example.org", []),
        ("@bob-ann@example.org", []),
        ("@bob.@ann", []),
        ("@" + "x" * 33, []),
        ("@bob-" + "x" * 32, []),
        ("@.bob", []),
        ("@žluť", []),
    ],
)
def test_mentions_are_found(body: str, names: list[str]) -> None:
    assert mentions.find(body) == names


@given(st.text("@ab.-_ é/\n", max_size=40))
def test_pieces_are_the_text_and_name_who_is_mentioned(body: str) -> None:
    pieces = mentions.split(body)
    assert "".join(piece for piece, _ in pieces) == body
    named = [name for _, name in pieces if name]
    assert list(dict.fromkeys(named)) == mentions.find(body) or len(set(named)) > mentions.MOST
    assert all(piece.lower() == f"@{name}" for piece, name in pieces if name)


def test_finding_takes_no_longer_for_a_text_that_is_made_to_confuse() -> None:
    for part in ("@a-", "@" + "a" * 40 + "-", "@.", "@a.b@"):
        assert mentions.find(part * (4000 // len(part))) in ([], ["a"])


def test_who_is_mentioned_in_a_post_is_notified(writers: Writers) -> None:
    ann, bob, cid, _ = writers.people
    post = writers.write(ann, "hello @bob and @nobody")
    ((kind, data),) = writers.told(bob)
    assert kind == "notification"
    assert {**data, "id": 0} == {
        "id": 0,
        "source": None,
        "title": "Ann mentioned you",
        "body": "hello @bob and @nobody",
        "url": f"/posts/{post}#post-{post}",
        "badge": None,
        "data": {"post": post, "reply": None, "mention": {"by": "ann", "by_name": "Ann"}},
    }
    assert writers.badges(bob) == {"notifications": 1}
    assert writers.told(ann) == writers.told(cid) == []


def test_who_is_mentioned_in_a_reply_is_told_once(writers: Writers) -> None:
    ann, bob, cid, dan = writers.people
    post = writers.write(ann)
    writers.reply(bob, post)
    reply = writers.reply(cid, post, "@ann @bob @dan @cid")
    assert [kind for kind, _ in writers.told(ann)] == ["reply", "reply"]
    assert [kind for kind, _ in writers.told(bob)] == ["reply"]
    ((kind, data),) = writers.told(dan)
    assert (kind, data["url"]) == ("notification", f"/posts/{post}#post-{reply}")
    assert (data["data"]["post"], data["data"]["reply"]) == (post, reply)
    assert writers.told(cid) == []


def test_who_does_not_want_to_hear_of_replies_hears_that_one_mentions_them(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    post = writers.write(ann)
    writers.mute(ann, "reply")
    writers.reply(bob, post, "hello")
    assert writers.told(ann) == []
    writers.reply(bob, post, "hello @ann")
    assert [kind for kind, _ in writers.told(ann)] == ["notification"]
    writers.mute(ann, "notification")
    writers.reply(bob, post, "hello @ann")
    assert writers.badges(ann) == {"notifications": 1}
    writers.check()


def test_nobody_is_told_by_whom_they_have_blocked(writers: Writers) -> None:
    ann, bob, *_ = writers.people
    writers.block(bob, ann)
    writers.write(ann, "@bob")
    assert writers.told(bob) == []
    writers.write(bob, "@ann")
    assert writers.badges(ann) == {"notifications": 1}


def test_at_most_so_many_are_told(writers: Writers) -> None:
    writers.store.add(mentions.MOST + 1)
    writers.write(writers.people[0], " ".join(f"@user{number}" for number in range(1, mentions.MOST + 2)))
    assert writers.store.count("events") == mentions.MOST


@pytest.mark.parametrize(
    "shown", ['A "quoted" \\ name', "\u202eевil", "\U0001f642" * 64, "<script>", "%s %(name)s {0}"]
)
def test_display_name_is_in_the_title_as_it_is(writers: Writers, shown: str) -> None:
    ann, bob, *_ = writers.people
    writers.write(Person(ann.id, ann.name, shown), "@bob")
    ((_, data),) = writers.told(bob)
    assert data["title"] == f"{shown} mentioned you"


def test_address_of_somebody_who_is_mentioned_a_thousand_times_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def address(_endpoint: str, name: str) -> str:
        made.append(name)
        return f"/chats/{name}"

    monkeypatch.setattr(bodies, "url_for", address)
    html = bodies.shown("@bob " * 1000 + "@Bob https://example.org/@bob @bob", {"bob"}, "ann")
    assert made == ["bob", "bob"]
    assert html.count('<a class="mention" href="/chats/bob">@bob</a>') == 1001
    assert '<a class="mention" href="/chats/bob">@Bob</a> <a href="https://example.org/@bob"' in html
