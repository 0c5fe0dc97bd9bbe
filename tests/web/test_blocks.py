"""Blocking people: who has blocked whom can write nothing to the other, and the rest goes on."""

from __future__ import annotations

import pytest

from myapp.auth import blocks
from myapp.extensions import database

from .conftest import Program, Site, is_problem


def block(program: Program, name: str) -> None:
    assert program.put(f"/users/{name}/block", {}).status_code == 204


def names(program: Program) -> list[str]:
    return [one["name"] for one in program.get("/users/blocked").get_json()["users"]]


def test_neither_side_can_write_to_the_other_and_each_is_told_why(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    bob.send("alice", "before")
    block(alice, "BOB")
    before = both_sites.stored()
    for program, to, word in ((bob, "alice", "alice has blocked you"), (alice, "bob", "unblock them first")):
        for key in ({}, {"key": "k"}):
            answer = program.post("/messages", {"to": to, "body": "hi", **key})
            is_problem(answer, 403)
            assert word in answer.get_json()["detail"]
    assert both_sites.stored() == before
    # the conversation stays, and others are not concerned
    assert bob.get("/messages/with/alice").get_json()["messages"][0]["body"] == "before"
    alice.post("/messages/read", {"with": "bob", "upto": 1})
    carol.send("alice")
    carol.send("bob")


def test_unblocked_all_is_as_before(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    for _ in range(2):  # twice is once
        block(alice, "bob")
    assert (names(alice), names(bob)) == (["bob"], [])
    for _ in range(2):
        assert alice.delete("/users/bob/block").status_code == 204
    assert names(alice) == []
    bob.send("alice")
    alice.send("bob")


def test_where_both_have_blocked_unblocking_oneself_is_not_enough(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    block(alice, "bob")
    block(bob, "alice")
    alice.delete("/users/bob/block")
    answer = alice.post("/messages", {"to": "bob", "body": "hi"})
    assert "bob has blocked you" in answer.get_json()["detail"]


def test_message_that_was_sent_before_is_still_answered_to_who_repeats_its_key(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    first = bob.send("alice", "hi", key="k")
    block(alice, "bob")
    assert bob.send("alice", "hi", key="k") == first
    is_problem(bob.post("/messages", {"to": "alice", "body": "other", "key": "k"}), 409)
    site.write("UPDATE messages SET at = 0")
    is_problem(bob.post("/messages", {"to": "alice", "body": "hi", "key": "k"}), 403)
    assert len(alice.get("/messages/with/bob").get_json()["messages"]) == 1


def test_nobody_can_block_themselves_or_who_does_not_exist(both_sites: Site) -> None:
    (alice,) = both_sites.programs("alice")
    for method in ("PUT", "DELETE"):
        is_problem(alice.open("/users/alice/block", method), 422, "name")
        is_problem(alice.open("/users/nobody/block", method), 404)
    assert names(alice) == []


def test_typing_between_them_is_told_to_nobody(site: Site) -> None:
    alice, bob, _carol = site.programs("alice", "bob", "carol")
    block(alice, "bob")
    dispatcher = site.app.extensions["myapp"].dispatcher
    told: list[tuple[int, int]] = []
    dispatcher.note_typing = lambda writer, reader: told.append((writer, reader))
    for program, to in ((alice, "bob"), (bob, "alice"), (alice, "carol")):
        assert program.post("/messages/typing", {"to": to}).status_code == 204
    assert told == [(1, 3)]


def test_application_and_systems_reach_who_has_blocked_somebody(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    block(alice, "bob")
    site.system("shop").post("/api/notifications", {"to": ["alice", "bob"], "title": "Hello"})
    assert alice.badges()["notifications"] == 1


def test_one_can_block_only_so_many(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MOST", 1)
    alice, *_ = site.programs("alice", "bob", "carol")
    block(alice, "bob")
    is_problem(alice.put("/users/carol/block", {}), 409)
    block(alice, "bob")
    assert names(alice) == ["bob"]


def test_who_has_blocked_whom_is_found_for_many_at_once(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    block(alice, "bob")
    block(carol, "bob")
    block(bob, "carol")
    with both_sites.app.app_context(), database().read() as connection:
        assert blocks.pairs(connection, (1, 2), (2, 3)) == {(1, 2), (2, 3)}
        assert blocks.pairs(connection, (), (2, 3)) == set()
        assert [person.id for person in blocks.listed(connection, 3)] == [2]


# -- pages


def test_somebody_is_blocked_and_unblocked_by_forms(site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    bob.post("/messages", {"to": "alice", "body": "Hello!"})
    assert 'action="/users/bob/block"' in alice.page("/chats/bob")
    answer = alice.submit("/users/bob/block", next="/chats/bob")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/chats/bob")
    page = alice.page("/chats/bob")
    assert "bob is blocked." in page and "Hello!" in page
    assert 'id="send"' not in page and 'action="/users/bob/unblock"' in page
    assert 'action="/users/bob/unblock"' in alice.page("/account")
    answer = alice.submit("/users/bob/unblock", next="/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert "/users/bob/unblock" not in alice.page("/account")
    assert 'id="send"' in alice.page("/chats/bob")


def test_form_of_who_is_blocked_says_so_and_keeps_what_was_typed(site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    alice.page("/account")
    alice.submit("/users/bob/block", next="/account")
    bob.page("/chats/alice")
    answer = bob.submit("/chats/alice", body="what I typed")
    assert answer.status_code == 403
    assert "alice has blocked you" in answer.text and "what I typed" in answer.text


def test_forms_lead_to_no_other_site_and_need_the_token(site: Site) -> None:
    alice, _bob = site.browser("alice"), site.browser("bob")
    alice.page("/account")
    assert alice.submit("/users/bob/block", next="//evil.example").headers["Location"] == "/"
    assert alice.submit("/users/bob/block", next="/" + "x" * 4000).headers["Location"] == "/", "no proxy takes it"
    assert alice.submit("/users/alice/block").status_code == 422
    alice.csrf = ""
    for what in ("block", "unblock"):
        assert alice.submit(f"/users/bob/{what}", next="/account").status_code == 403
