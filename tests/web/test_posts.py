"""Posts over HTTP, as JSON."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from limits import parse

from myapp.extensions import limiter
from myapp.posts import deleting

from .conftest import Program, Site, is_problem, open_site

NOTHING = {"likes": 0, "dislikes": 0, "replies": 0}
LARGEST = 2**53 - 1


def write(program: Program, body: str = "hello", **more: Any) -> int:
    return made(program, "/posts", body, **more)


def reply(program: Program, to: int, body: str = "hello", **more: Any) -> int:
    return made(program, f"/posts/{to}/replies", body, **more)


def made(program: Program, path: str, body: str, **more: Any) -> int:
    answer = program.post(path, {"body": body, **more})
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def react(program: Program, post: int, reaction: str | None = "like") -> Any:
    answer = program.put(f"/posts/{post}/reaction", {"reaction": reaction})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_post_from_writing_it_to_deleting_it(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    answer = alice.post("/posts", {"body": "hello\r\n\U0001f642"})
    post = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/posts/{post['id']}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert {**post, "at": "", "avatar": ""} == {
        "id": post["id"],
        "thread": None,
        "by": "alice",
        "by_name": "alice",
        "avatar": "",
        "body": "hello\r\n\U0001f642",
        "at": "",
        "deleted": False,
        "blocked": False,
        "counts": NOTHING,
        "version": post["version"],
        "reaction": None,
    }
    assert bob.get(f"/posts/{post['id']}").get_json() == post
    assert bob.get("/posts").get_json()["posts"] == [post]
    liked = react(bob, post["id"])
    assert liked == {"counts": {**NOTHING, "likes": 1}, "version": liked["version"], "reaction": "like"}
    assert liked["version"] > post["version"]
    assert bob.get(f"/posts/{post['id']}").get_json() == {**post, **liked}
    assert alice.get(f"/posts/{post['id']}").get_json() == {**post, **liked, "reaction": None}
    answer = bob.post(f"/posts/{post['id']}/replies", {"body": "hi"})
    assert (answer.status_code, answer.get_json()["thread"]) == (201, post["id"])
    assert answer.headers["Location"] == f"/posts/{answer.get_json()['id']}"
    assert alice.get(f"/posts/{post['id']}/replies").get_json() == {"replies": [answer.get_json()], "more": False}
    assert alice.badges()["likes"] == alice.badges()["replies"] == 1
    assert alice.delete(f"/posts/{post['id']}").status_code == 204
    gone = bob.get(f"/posts/{post['id']}").get_json()
    assert (gone["body"], gone["deleted"], gone["counts"]) == ("", True, {"likes": 1, "dislikes": 0, "replies": 1})
    assert gone["version"] > liked["version"]
    assert bob.get("/posts").get_json()["posts"] == []
    assert alice.badges()["likes"] == 0


def test_same_key_is_answered_with_the_same_post(site: Site) -> None:
    (alice,) = site.programs("alice")
    first = alice.post("/posts", {"body": "one", "key": "k"})
    again = alice.post("/posts", {"body": "one", "key": "k"})
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert again.headers["Location"] == first.headers["Location"]
    is_problem(alice.post("/posts", {"body": "two", "key": "k"}), 409)
    post = first.get_json()["id"]
    is_problem(alice.post(f"/posts/{post}/replies", {"body": "one", "key": "k"}), 409)
    reply(alice, post, "two", key="k2")
    assert alice.post(f"/posts/{post}/replies", {"body": "two", "key": "k2"}).status_code == 200
    assert alice.delete(f"/posts/{post}").status_code == 204
    again = alice.post("/posts", {"body": "one", "key": "k"})
    assert (again.status_code, again.get_json()["deleted"]) == (200, True)


def test_feed_is_read_in_parts_and_stands_at_a_seq(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    numbers = [write(alice, "hello @bob") for _ in range(5)]
    part = bob.get("/posts?limit=2").get_json()
    assert ([post["id"] for post in part["posts"]], part["more"], part["seq"]) == (numbers[:2:-1], True, 5)
    assert part["epoch"] == bob.get("/messages/poll").get_json()["epoch"]
    part = bob.get(f"/posts?before={numbers[3]}&limit=3").get_json()
    assert ([post["id"] for post in part["posts"]], part["more"]) == (numbers[2::-1], False)
    assert bob.get(f"/posts?before={numbers[0]}").get_json()["posts"] == []
    for query in ("limit=0", "limit=101", "before=-1", f"before={LARGEST + 1}", "before=x"):
        is_problem(bob.get(f"/posts?{query}"), 422, query.partition("=")[0])


def test_replies_are_read_in_parts(site: Site) -> None:
    (alice,) = site.programs("alice")
    post = write(alice)
    numbers = [reply(alice, post) for _ in range(4)]
    part = alice.get(f"/posts/{post}/replies?limit=3").get_json()
    assert ([one["id"] for one in part["replies"]], part["more"]) == (numbers[:3], True)
    part = alice.get(f"/posts/{post}/replies?after={numbers[2]}").get_json()
    assert ([one["id"] for one in part["replies"]], part["more"]) == (numbers[3:], False)
    assert alice.get(f"/posts/{numbers[0]}/replies").get_json() == {"replies": [], "more": False}


@pytest.mark.parametrize("number", [1, LARGEST])
def test_number_of_no_post_is_not_found(both_sites: Site, number: int) -> None:
    (alice,) = both_sites.programs("alice")
    for answer in (
        alice.get(f"/posts/{number}"),
        alice.get(f"/posts/{number}/replies"),
        alice.delete(f"/posts/{number}"),
        alice.post(f"/posts/{number}/replies", {"body": "hi"}),
        alice.put(f"/posts/{number}/reaction", {"reaction": "like"}),
        alice.put(f"/posts/{number}/reaction", {"reaction": None}),
        alice.post(f"/posts/{number}/seen", {}),
    ):
        is_problem(answer, 404)


@pytest.mark.parametrize("number", [0, LARGEST + 1, 2**63, 10**30])
def test_what_can_be_no_number_of_a_post_has_no_address(site: Site, number: int) -> None:
    (alice,) = site.programs("alice")
    is_problem(alice.get(f"/posts/{number}"), 404)
    assert alice.delete(f"/posts/{number}").status_code in (404, 405)
    assert alice.post(f"/posts/{number}/replies", {"body": "hi"}).status_code in (404, 405)
    assert alice.put(f"/posts/{number}/reaction", {"reaction": "like"}).status_code in (404, 405)


def test_longest_text_is_taken_and_told_over_a_poll(both_sites: Site) -> None:
    """Four bytes for each character, and what JSON takes six for: an event of 24 KB is well below a page's 64."""
    alice, bob = both_sites.programs("alice", "bob")
    post = write(alice)
    for body in ("\U0001f642" * 4000, "x" + "\x01" * 3999, '"\\' * 2000):
        number = reply(bob, post, body)
        assert alice.get(f"/posts/{number}").get_json()["body"] == body
        assert alice.events()[-1]["data"]["body"] == body
    is_problem(bob.post("/posts", {"body": "\U0001f642" * 4001}), 422, "body")


def test_reaction_that_is_none_is_refused(site: Site) -> None:
    (alice,) = site.programs("alice")
    post = write(alice)
    for wrong in ({}, {"reaction": "love"}, {"reaction": 1}, {"reaction": "LIKE"}, {"reaction": ["like"]}):
        assert alice.put(f"/posts/{post}/reaction", wrong).status_code == 422
    said = alice.put(f"/posts/{post}/reaction", {"reaction": "love"}).get_json()
    assert said["errors"] == {"reaction": 'is not known; give one of "dislike", "like", null'}
    assert react(alice, post, None)["counts"] == NOTHING


def test_deleted_post_takes_no_reaction_and_no_reply(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    post = write(alice)
    react(bob, post)
    alice.delete(f"/posts/{post}")
    is_problem(bob.put(f"/posts/{post}/reaction", {"reaction": None}), 404)
    is_problem(bob.post(f"/posts/{post}/replies", {"body": "hi"}), 404)
    assert alice.delete(f"/posts/{post}").status_code == 204
    assert bob.post(f"/posts/{post}/seen", {}).status_code == 200


def test_who_has_blocked_and_who_is_blocked(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    post, other = write(alice), write(bob)
    react(bob, post)
    assert alice.put("/users/bob/block", {}).status_code == 204
    for program, number in ((bob, post), (alice, other)):
        is_problem(program.put(f"/posts/{number}/reaction", {"reaction": "dislike"}), 403)
        is_problem(program.post(f"/posts/{number}/replies", {"body": "hi"}), 403)
    assert react(bob, post, None)["counts"] == NOTHING
    assert [one["id"] for one in alice.get("/posts").get_json()["posts"]] == [post]
    assert [one["id"] for one in bob.get("/posts").get_json()["posts"]] == [other, post]
    assert alice.get(f"/posts/{other}").get_json()["blocked"] is True
    assert alice.delete("/users/bob/block").status_code == 204
    assert react(bob, post)["counts"]["likes"] == 1


def test_only_the_author_and_administrators_delete(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    post = write(alice, "secret @bob")
    is_problem(bob.delete(f"/posts/{post}"), 403)
    root = site.administrator()
    assert root.open(f"/posts/{post}", "DELETE").status_code == 204
    assert "secret" not in repr(site.stored())
    assert [event["kind"] for event in bob.events()] == ["notification", "deleted"]
    assert bob.events()[-1]["data"] == {"kind": "post", "id": post, "post": post}


def test_opening_a_thread_is_seen_on_all_tabs(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    post, other = write(alice), write(alice)
    react(bob, post), react(bob, other), reply(bob, post)
    tab = alice.get("/messages/poll").get_json()["seq"]
    answer = alice.post(f"/posts/{post}/seen", {}).get_json()
    assert (answer["badges"]["likes"], answer["badges"]["replies"]) == (1, 0)
    followed = alice.get(f"/messages/poll?seq={tab}").get_json()
    assert [event["kind"] for event in followed["events"]] == ["seen"]
    assert (followed["badges"], followed["seq"]) == (answer["badges"], answer["seq"])
    assert alice.post(f"/posts/{post}/seen", {}).get_json() == answer


def test_ticket_marks_as_seen_and_does_nothing_else(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    post = write(alice)
    react(bob, post)
    ticket = Program(site.app, alice.post("/auth/ticket").get_json()["ticket"])
    for answer in (
        ticket.post("/posts", {"body": "hi"}),
        ticket.post(f"/posts/{post}/replies", {"body": "hi"}),
        ticket.put(f"/posts/{post}/reaction", {"reaction": "like"}),
        ticket.delete(f"/posts/{post}"),
    ):
        assert answer.status_code in (401, 403)
    assert ticket.post(f"/posts/{post}/seen", {}).get_json()["badges"]["likes"] == 0


def test_guest_writes_as_anybody_else(site: Site) -> None:
    (alice,) = site.programs("alice")
    guest = site.guest()
    guest.page("/auth/login")
    assert guest.submit("/auth/guest").status_code == 303
    guest.page("/account")
    me = guest.get("/auth/me").get_json()
    post = guest.post("/posts", {"body": "hello @alice"}).get_json()
    assert (post["by"], post["by_name"]) == (me["name"], me["display_name"])
    assert alice.events()[0]["data"]["title"] == f"{me['display_name']} mentioned you"
    react(alice, post["id"]), reply(alice, post["id"], f"hello @{me['name']}")
    badges = guest.get("/badges").get_json()["badges"]
    assert (badges["likes"], badges["replies"], badges["notifications"]) == (1, 1, 0)


def test_browser_needs_its_token_and_a_stranger_is_told_to_sign_in(site: Site) -> None:
    browser = site.browser("alice")
    post = browser.post("/posts", {"body": "hi"}).get_json()["id"]
    browser.csrf = ""
    for path, method, body in (
        ("/posts", "POST", {"body": "hi"}),
        (f"/posts/{post}/replies", "POST", {"body": "hi"}),
        (f"/posts/{post}/reaction", "PUT", {"reaction": "like"}),
        (f"/posts/{post}", "DELETE", None),
        (f"/posts/{post}/seen", "POST", {}),
    ):
        is_problem(browser.open(path, method, json=body), 403)
        assert site.guest().open(path, method, json=body).status_code in (401, 403)
    is_problem(site.guest().get("/posts"), 401)
    assert browser.get(f"/posts/{post}").get_json()["counts"] == NOTHING


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def test_by_whichever_way_one_writes_or_reacts_it_is_the_same_limit(limited: Site) -> None:
    alice = limited.browser("alice")
    post = alice.post("/posts", {"body": "hello"}).get_json()["id"]
    for path, fields in (("/posts/new", {"body": ""}), (f"/posts/{post}/reply", {"body": ""})):
        assert [alice.submit(path, **fields).status_code for _ in range(30)] == [422] * 30
    statuses = [alice.post(f"/posts/{post}/replies", {"body": ""}).status_code for _ in range(60)]
    assert statuses == [422] * 59 + [429]
    assert alice.post("/posts", {"body": "hi"}).status_code == 429
    assert [alice.submit(path, body="hi").status_code for path in ("/posts/new", f"/posts/{post}/reply")] == [429] * 2
    limiter.limiter.hit(parse("600/minute"), "user/1", "reactions", cost=598)
    statuses = [alice.submit(f"/posts/{post}/react", reaction="?").status_code]
    statuses += [alice.open(f"/posts/{post}/reaction", "PUT", json={}).status_code for _ in range(2)]
    statuses += [alice.submit(f"/posts/{post}/react", reaction="like").status_code]
    assert statuses == [422, 422, 429, 429]


def test_writing_and_reacting_are_limited_for_each_person(limited: Site) -> None:
    alice, bob = limited.programs("alice", "bob")
    post = write(alice)
    statuses = [alice.post("/posts", {"body": ""}).status_code for _ in range(120)]
    assert statuses == [422] * 119 + [429]
    is_problem(alice.post("/posts", {"body": "hi"}), 429)
    assert write(bob) > post
    assert react(alice, post)["counts"]["likes"] == 1


def test_counts_and_badges_are_right_after_many_requests_of_several_people(both_sites: Site) -> None:
    """As a tab sees it: what requests answer, and what the feed and the badges say at the end."""
    dice = random.Random(7)
    programs = both_sites.programs("alice", "bob", "carol")
    posts = [write(program) for program in programs]
    answered: dict[int, Any] = {}
    for _ in range(60):
        program, post = dice.choice(programs), dice.choice(posts)
        if dice.random() < 0.7:
            answered[post] = react(program, post, dice.choice(["like", "dislike", None]))
        else:
            reply(program, post)
            answered.pop(post, None)
    rows = both_sites.rows("reactions")
    for post in programs[0].get("/posts").get_json()["posts"]:
        counts = {
            f"{kind}s": sum(row[0] == post["id"] and row[2] == kind for row in rows) for kind in ("like", "dislike")
        }
        replies = programs[0].get(f"/posts/{post['id']}/replies?limit=100").get_json()["replies"]
        assert post["counts"] == {**counts, "replies": len(replies)}
        if post["id"] in answered:
            assert {name: answered[post["id"]][name] for name in ("counts", "version")} == {
                "counts": post["counts"],
                "version": post["version"],
            }
    for program, post in zip(programs, posts, strict=True):
        others = [row for row in rows if row[0] == post and row[1] != posts.index(post) + 1]
        assert program.badges()["likes"] == sum(row[2] == "like" for row in others)
        assert program.badges()["dislikes"] == sum(row[2] == "dislike" for row in others)


def test_post_of_which_very_much_was_told_is_deleted_after_that_was_seen(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deleting, "MOST_UNSEEN", 2)
    alice, *others = site.programs("alice", "bob", "carol", "dan")
    hot, other = (alice.post("/posts", {"body": "hi"}).get_json()["id"] for _ in range(2))
    for one in others:
        assert one.put(f"/posts/{hot}/reaction", {"reaction": "like"}).status_code == 200
    assert others[0].put(f"/posts/{other}/reaction", {"reaction": "dislike"}).status_code == 200
    reply(others[0], hot)
    assert others[0].delete(f"/posts/{hot}").status_code == 403
    assert alice.badges()["likes"] == 3, "who may not delete it marks nothing"
    assert alice.delete(f"/posts/{hot}").status_code == 204
    badges = alice.badges()
    assert [badges[name] for name in ("likes", "dislikes", "replies")] == [0, 1, 1]
    assert [event["kind"] for event in alice.events()][-2:] == ["seen", "deleted"]


def test_reply_that_is_sent_again_when_its_post_was_deleted_is_the_same(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    post = write(alice)
    number = reply(bob, post, key="k")
    alice.delete(f"/posts/{post}")
    again = bob.post(f"/posts/{post}/replies", {"body": "hello", "key": "k"})
    assert (again.status_code, again.get_json()["id"]) == (200, number)
    is_problem(bob.post(f"/posts/{post}/replies", {"body": "hello", "key": "another"}), 404)
    is_problem(bob.post("/posts/1000000/replies", {"body": "hello", "key": "k"}), 404)
