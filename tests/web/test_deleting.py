"""Deleting messages: for both sides, in the events too, and whatever else happens the counts stay right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myapp.search.catching_up import catch_up

from .conftest import HTML, Program, Site, is_problem, open_site


def delete(program: Program, number: int) -> None:
    assert program.delete(f"/messages/{number}").status_code == 204


def bodies(program: Program) -> list[str]:
    """What the inbox's events of messages say."""
    return [event["data"]["body"] for event in program.events() if event["kind"] == "message"]


def test_deleted_message_is_empty_for_both_sides_and_in_their_events(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    carol.send("bob", "not mine")  # the seqs of both sides differ
    number = alice.send("bob", "a secret", key="k")["id"]
    alice.send("bob", "the next")
    delete(alice, number)
    for program, other in ((alice, "bob"), (bob, "alice")):
        newest, deleted = program.get(f"/messages/with/{other}").get_json()["messages"]
        assert (deleted["id"], deleted["body"], deleted["deleted"]) == (number, "", True)
        assert (newest["body"], newest["deleted"]) == ("the next", False)
        event = program.events()[-1]
        assert (event["kind"], event["data"]) == ("deleted", {"kind": "message", "id": number, "with": other})
        (blank,) = [
            event for event in program.events() if event["data"].get("id") == number and "from" in event["data"]
        ]
        assert {**blank["data"], "avatar": ""} == {
            **{"id": number, "from": "alice", "from_name": "alice", "avatar": "", "to": "bob", "body": ""}
        }
    assert bodies(bob) == ["not mine", "", "the next"]
    assert "a secret" not in repr(both_sites.stored())


def test_deleted_again_nothing_changes(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    number = alice.send("bob")["id"]
    delete(alice, number)
    before = both_sites.stored()
    delete(alice, number)
    assert both_sites.stored() == before


def test_only_who_wrote_it_may_and_others_do_not_learn_of_it(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    number = alice.send("bob")["id"]
    before = both_sites.stored()
    is_problem(bob.delete(f"/messages/{number}"), 403)
    is_problem(carol.delete(f"/messages/{number}"), 404)
    is_problem(alice.delete(f"/messages/{number + 1}"), 404)
    assert both_sites.stored() == before


def test_deleted_message_is_unread_no_more(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first, second = (alice.send("bob")["id"] for _ in range(2))
    delete(alice, first)
    assert bob.badges()["messages"] == 1
    assert bob.get("/messages/conversations").get_json()["conversations"][0]["unread"] == 1
    bob.post("/messages/read", {"with": "alice", "upto": second})
    assert bob.badges()["messages"] == 0
    delete(alice, second)  # read by now: counted no more before
    assert bob.badges()["messages"] == 0
    assert alice.badges()["messages"] == 0


def test_list_of_conversations_says_that_the_last_message_was_deleted(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    delete(alice, alice.send("bob", "a secret")["id"])
    for program in (alice, bob):
        (one,) = program.get("/messages/conversations").get_json()["conversations"]
        assert (one["last"]["deleted"], one["last"]["body"], one["unread"]) == (True, "", 0)


def test_message_that_is_sent_again_when_it_was_deleted_stays_deleted(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first = alice.send("bob", "hi", key="k")
    delete(alice, first["id"])
    again = alice.post("/messages", {"to": "bob", "body": "hi", "key": "k"})
    assert (again.status_code, again.get_json()["id"]) == (200, first["id"])
    assert (again.get_json()["deleted"], again.get_json()["body"]) == (True, "")
    assert bob.badges()["messages"] == 0


def test_event_of_a_message_from_before_its_seq_was_kept_is_found(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    carol.send("bob", "not mine")
    number = alice.send("bob", "a secret")["id"]
    other = alice.send("bob", "another")["id"]
    both_sites.write("UPDATE messages SET to_seq = NULL")
    both_sites.write(f"UPDATE messages SET at = (SELECT at FROM messages WHERE id = {number}) WHERE id = {other}")
    delete(alice, number)
    assert bodies(bob) == ["not mine", "", "another"]


def test_message_whose_events_are_not_kept_any_more_can_be_deleted(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    number = alice.send("bob", "a secret")["id"]
    both_sites.write("DELETE FROM events")
    both_sites.write("UPDATE inboxes SET trimmed = seq")
    delete(alice, number)
    assert bob.get("/messages/with/alice").get_json()["messages"][0]["body"] == ""


@pytest.mark.parametrize("is_indexed", [True, False])
def test_deleted_message_is_found_no_more(is_indexed: bool, both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    database = both_sites.app.extensions["myapp"].database
    number = alice.send("bob", "a secret")["id"]
    alice.send("bob", "another secret")
    if is_indexed:
        assert not catch_up(database, 5.0)
    found = [len(bob.get("/search?q=secret").get_json()["messages"])]
    delete(alice, number)
    catch_up(database, 5.0)
    found += [len(program.get("/search?q=secret").get_json()["messages"]) for program in (alice, bob)]
    assert found == [2, 1, 1]
    if database.dialect == "sqlite":  # what is left in the index itself
        assert len(both_sites.rows("messages_words WHERE messages_words MATCH '\"1_secret\"'")) == 1


# -- pages


def test_page_asks_before_a_message_is_deleted_and_leads_back(site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    alice.post("/messages", {"to": "bob", "body": "a <secret>"})
    assert 'href="/messages/1/delete"' in alice.page("/chats/bob")
    assert 'href="/reports/new?message=1"' in bob.page("/chats/alice")
    page = alice.page("/messages/1/delete")
    assert "a &lt;secret&gt;" in page and 'href="/chats/bob"' in page
    answer = alice.submit("/messages/1/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/chats/bob")
    for browser, path in ((alice, "/chats/bob"), (bob, "/chats/alice"), (alice, "/"), (bob, "/")):
        page = browser.page(path)
        assert "This message was deleted." in page.partition("live-strings")[0]
        assert "secret" not in page and "/messages/1/delete" not in page and "message=1" not in page
    assert "message--unread" not in bob.page("/chats/alice")
    assert 'class="divider unread"' not in bob.page("/chats/alice").partition("<template")[0]
    # a page that was open for longer: nothing is left to ask
    assert alice.client.get("/messages/1/delete", headers=HTML).headers["Location"] == "/chats/bob"
    assert alice.submit("/messages/1/delete").status_code == 303


def test_page_for_deleting_is_only_for_who_wrote_it(site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    alice.post("/messages", {"to": "bob", "body": "x"})
    for path, status in (("/messages/1/delete", 403), ("/messages/2/delete", 404), ("/messages/x/delete", 404)):
        bob.page(path, status)
        assert bob.submit(path).status_code == status
    alice.csrf = ""
    assert alice.submit("/messages/1/delete").status_code == 403
    assert not bob.get("/messages/with/alice").get_json()["messages"][0]["deleted"]


# -- in any order

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 1), st.sampled_from(["", "k1"])),
        st.tuples(st.just("read"), st.integers(0, 1), st.integers(0, 4)),
        st.tuples(st.just("delete"), st.integers(0, 1), st.integers(0, 6)),
    ),
    max_size=25,
)


def fresh(site: Site) -> dict[int, int]:
    """Unread messages by user, counted over the tables."""
    with site.app.extensions["myapp"].database.read() as connection:
        sql = (
            "SELECT to_id, count(*) FROM messages JOIN conversations ON user_id = to_id AND with_id = from_id "
            "WHERE messages.id > read_upto AND deleted_at IS NULL GROUP BY to_id"
        )
        return dict(connection.driver.execute(sql).fetchall())


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_two_people_send_read_and_delete_counts_are_right_and_nothing_deleted_is_left(
    steps: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory, empty_database: Path
) -> None:
    opened = open_site(tmp_path_factory.mktemp("deleting"), empty_database)
    site = next(opened)
    names = ["alice", "bob"]
    programs = site.programs(*names)
    deleted: set[str] = set()
    sent: dict[int, list[int]] = {0: [], 1: []}
    try:
        for number, (what, who, more) in enumerate(steps):
            me, other = programs[who], names[1 - who]
            before = [program.get("/badges").get_json() for program in programs]
            if what == "send":
                body = {"to": other, "body": f"secret {number}.", **({"key": more} if more else {})}
                answer = me.post("/messages", body)
                if answer.status_code == 201:
                    sent[who].append(answer.get_json()["id"])
            elif what == "read":
                history = me.get(f"/messages/with/{other}").get_json()["messages"]
                if history:
                    me.post("/messages/read", {"with": other, "upto": history[more % len(history)]["id"]})
            elif sent[who]:
                chosen = sent[who][more % len(sent[who])]
                found = {one["id"]: one for one in me.get(f"/messages/with/{other}").get_json()["messages"]}[chosen]
                deleted.update([] if found["deleted"] else [found["body"]])
                delete(me, chosen)
            counted = fresh(site)
            for user, (program, was) in enumerate(zip(programs, before, strict=True), 1):
                now = program.get("/badges").get_json()
                listed = program.get("/messages/conversations").get_json()["conversations"]
                assert now["badges"]["messages"] == sum(one["unread"] for one in listed) == counted.get(user, 0)
                assert now["badges"] == was["badges"] or now["seq"] > was["seq"]
                page = program.get("/messages/poll?limit=500").get_json()
                assert [event["seq"] for event in page["events"]] == list(range(1, now["seq"] + 1))
                assert not [event for event in page["events"] if event["data"].get("body") in deleted]
        assert not [body for body in deleted if f"'{body}'" in repr(site.stored())]
    finally:
        next(opened, None)
