"""Messages and people: sending, history, conversations, marking as read, and the badges that follow."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Program, Site, is_problem, open_site

DAY = 24 * 3600 * 1000


# -- sending


def test_message_is_answered_as_stored(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    answer = alice.post("/messages", {"to": "bob", "body": "hi"})
    assert answer.status_code == 201
    body = answer.get_json()
    at = body.pop("at")
    assert len(at) == 24
    assert body == {
        "id": 1,
        "from": "alice",
        "from_name": "alice",
        "avatar": "/avatars/alice?v=278ebc47",
        "to": "bob",
        "body": "hi",
        "deleted": False,
        "seq": 1,
    }


def test_both_sides_get_one_event_with_the_same_data(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    alice.send("bob", "hi")
    (mine,), (theirs,) = alice.events(), bob.events()
    assert mine == theirs
    assert (mine["seq"], mine["kind"]) == (1, "message")
    assert mine["data"] == {
        "id": 1,
        "from": "alice",
        "from_name": "alice",
        "avatar": "/avatars/alice?v=278ebc47",
        "to": "bob",
        "body": "hi",
    }


def test_seq_of_the_answer_is_the_senders_own(site: Site) -> None:
    alice, bob, carol = site.programs("alice", "bob", "carol")
    for _ in range(3):
        bob.send("carol")
    assert alice.send("bob")["seq"] == 1
    assert bob.send("alice")["seq"] == 5
    assert carol.get("/badges").get_json()["seq"] == 3


BODIES = [
    " leading and trailing ",
    "line\nbreak\r\nand\ttab",
    "<script>alert(1)</script> & \"quotes\" 'too'",
    "žluťoučký 🐎 👩‍👩‍👧 \u202e \u00a0 \ufeff",
    "e\u0301 is not é",
    "\u0001\u001f\u007f\u0085\u2028",
    "x" * 4000,
    "🐎" * 4000,
    "%s {} $1 \\n \\u0000",
]


def test_body_is_kept_and_given_back_exactly(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    assert [alice.send("bob", body)["body"] for body in BODIES] == BODIES
    assert [event["data"]["body"] for event in bob.events()] == BODIES
    assert [message["body"] for message in bob.get("/messages/with/alice").get_json()["messages"]] == BODIES[::-1]
    assert bob.get("/messages/conversations").get_json()["conversations"][0]["last"]["body"] == BODIES[-1]


@pytest.mark.parametrize("name", ["bob", "BOB", " Bob "])
def test_receiver_is_found_whatever_the_case(name: str, site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    assert alice.send(name)["to"] == "bob"


# -- keys


def test_same_key_again_is_the_same_message(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first = alice.post("/messages", {"to": "bob", "body": "hi", "key": "k1"})
    before = both_sites.stored()
    again = alice.post("/messages", {"to": "bob", "body": "hi", "key": "k1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert both_sites.stored() == before
    assert len(bob.events()) == 1


@pytest.mark.parametrize("other", [{"body": "other"}, {"to": "carol"}, {"body": "HI"}, {"body": "hi "}])
def test_same_key_with_other_content_is_a_conflict(other: dict[str, str], both_sites: Site) -> None:
    alice, _bob, _carol = both_sites.programs("alice", "bob", "carol")
    alice.send("bob", "hi", key="k1")
    before = both_sites.stored()
    is_problem(alice.post("/messages", {"to": "bob", "body": "hi", "key": "k1", **other}), 409)
    assert both_sites.stored() == before


def test_key_is_the_senders_own(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first = alice.send("bob", "hi", key="k1")
    second = bob.send("alice", "hi", key="k1")
    assert first["id"] != second["id"]


def test_messages_without_a_key_are_each_their_own(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    for key in ({}, {}, {"key": None}, {"key": None}):
        assert alice.post("/messages", {"to": "bob", "body": "hi", **key}).status_code == 201
    assert len(bob.events()) == 4


def test_key_is_remembered_for_seven_days(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first = alice.send("bob", "hi", key="k1")
    both_sites.write(f"UPDATE messages SET at = at - {7 * DAY - 60_000}")
    assert alice.post("/messages", {"to": "bob", "body": "hi", "key": "k1"}).status_code == 200
    both_sites.write("UPDATE messages SET at = at - 120000")
    again = alice.post("/messages", {"to": "bob", "body": "other", "key": "k1"})
    assert again.status_code == 201
    assert again.get_json()["id"] != first["id"]
    assert alice.post("/messages", {"to": "bob", "body": "other", "key": "k1"}).status_code == 200
    assert [event["data"]["body"] for event in bob.events()] == ["hi", "other"]


def test_same_key_sent_at_once_is_one_message(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    barrier = threading.Barrier(6)
    answers: list[Any] = []

    def send() -> None:
        program = Program(both_sites.app, alice.token)
        barrier.wait()
        answers.append(program.post("/messages", {"to": "bob", "body": "hi", "key": "k1"}))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.text for answer in answers}) == 1
    assert len(bob.events()) == len(both_sites.rows("messages")) == 1


def test_one_key_for_two_receivers_at_once_is_one_message_and_a_conflict(both_sites: Site) -> None:
    alice, _bob, _carol = both_sites.programs("alice", "bob", "carol")
    barrier = threading.Barrier(2)
    statuses: list[int] = []

    def send(to: str) -> None:
        program = Program(both_sites.app, alice.token)
        barrier.wait()
        statuses.append(program.post("/messages", {"to": to, "body": "hi", "key": "k1"}).status_code)

    threads = [threading.Thread(target=send, args=(to,)) for to in ("bob", "carol")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]
    assert len(both_sites.rows("messages")) == 1


# -- history


def test_history_is_newest_first_in_pages(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    for number in range(7):
        (alice if number % 2 else bob).send("bob" if number % 2 else "alice", f"m{number}")
    page = alice.get("/messages/with/bob?limit=3").get_json()
    assert [message["body"] for message in page["messages"]] == ["m6", "m5", "m4"]
    assert page["more"] is True
    last = page["messages"][-1]["id"]
    page = alice.get(f"/messages/with/bob?limit=3&before={last}").get_json()
    assert [message["body"] for message in page["messages"]] == ["m3", "m2", "m1"]
    assert page["more"] is True
    last = page["messages"][-1]["id"]
    page = alice.get(f"/messages/with/bob?limit=3&before={last}").get_json()
    assert [message["body"] for message in page["messages"]] == ["m0"]
    assert page["more"] is False


@pytest.mark.parametrize(("count", "more"), [(49, False), (50, False), (51, True)])
def test_page_of_history_has_fifty_messages_when_not_asked_otherwise(count: int, more: bool, site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    for _ in range(count):
        alice.send("bob")
    page = alice.get("/messages/with/bob").get_json()
    assert (len(page["messages"]), page["more"]) == (min(count, 50), more)


def test_history_of_others_is_not_seen(site: Site) -> None:
    alice, bob, carol = site.programs("alice", "bob", "carol")
    alice.send("bob", "between us")
    carol.send("bob", "and this")
    assert carol.get("/messages/with/alice").get_json() == {"messages": [], "more": False}
    assert [m["body"] for m in carol.get("/messages/with/bob").get_json()["messages"]] == ["and this"]
    assert [m["body"] for m in bob.get("/messages/with/alice").get_json()["messages"]] == ["between us"]


def test_history_says_which_messages_are_read_on_both_sides(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    ids = [alice.send("bob", f"m{number}")["id"] for number in range(3)]
    bob.post("/messages/read", {"with": "alice", "upto": ids[1]})
    for me, other in ((alice, "bob"), (bob, "alice")):
        read = [message["read"] for message in me.get(f"/messages/with/{other}").get_json()["messages"]]
        assert read == [False, True, True]


def test_history_with_somebody_one_has_not_written_to_is_empty(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    assert alice.get("/messages/with/bob").get_json() == {"messages": [], "more": False}


# -- conversations


def test_conversations_are_listed_with_the_newest_first(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    bob.send("alice", "one")
    carol.send("alice", "two")
    carol.send("alice", "three")
    alice.send("bob", "four")
    body = alice.get("/messages/conversations").get_json()
    found = [(one["with"], one["last"]["body"], one["unread"]) for one in body["conversations"]]
    assert found == [("bob", "four", 1), ("carol", "three", 2)]
    assert (body["seq"], body["badges"]["messages"]) == (4, 3)
    assert body["epoch"] == alice.get("/messages/poll").get_json()["epoch"]


def test_writing_does_not_mark_as_read(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    bob.send("alice")
    alice.send("bob")
    assert alice.badges()["messages"] == 1


# -- marking as read


def test_marking_as_read_tells_both_sides(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    ids = [alice.send("bob")["id"] for _ in range(3)]
    answer = bob.post("/messages/read", {"with": "alice", "upto": ids[1]})
    assert answer.status_code == 200
    assert answer.get_json()["badges"]["messages"] == 1
    assert answer.get_json()["seq"] == 4
    data = {"by": "bob", "with": "alice", "upto": ids[1]}
    for side in (alice, bob):
        event = side.events()[-1]
        assert (event["kind"], event["data"]) == ("read", data)


def test_own_messages_in_between_do_not_count_as_unread(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    ids = [bob.send("alice")["id"] for _ in range(3)]
    alice.send("bob")
    ids.append(bob.send("alice")["id"])
    left = [
        alice.post("/messages/read", {"with": "bob", "upto": upto}).get_json()["badges"]["messages"] for upto in ids
    ]
    assert left == [3, 2, 1, 0]


def test_marking_as_read_goes_only_forward(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    ids = [alice.send("bob")["id"] for _ in range(3)]
    bob.post("/messages/read", {"with": "alice", "upto": ids[1]})
    before = both_sites.stored()
    for upto in (ids[1], ids[0], 0):
        answer = bob.post("/messages/read", {"with": "alice", "upto": upto})
        assert (answer.status_code, answer.get_json()["badges"]["messages"]) == (200, 1)
    assert both_sites.stored() == before


def test_marking_beyond_what_was_given_is_refused(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    newest = alice.send("bob")["id"]
    before = both_sites.stored()
    for upto in (newest + 1, 10**9, 2**53 - 1):
        is_problem(bob.post("/messages/read", {"with": "alice", "upto": upto}), 422, "upto")
    assert both_sites.stored() == before
    assert bob.badges()["messages"] == 1


def test_message_of_another_conversation_gives_no_right_to_mark_this_one(site: Site) -> None:
    alice, bob, carol = site.programs("alice", "bob", "carol")
    alice.send("bob")
    later = carol.send("bob")["id"]
    is_problem(bob.post("/messages/read", {"with": "alice", "upto": later}), 422, "upto")
    assert bob.badges()["messages"] == 2


def test_own_message_gives_the_right_to_mark_what_came_before_it(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    alice.send("bob")
    own = bob.send("alice")["id"]
    assert bob.post("/messages/read", {"with": "alice", "upto": own}).get_json()["badges"]["messages"] == 0
    assert alice.badges()["messages"] == 1


def test_marking_what_was_never_written_changes_nothing(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    before = site.stored()
    answer = alice.post("/messages/read", {"with": "bob", "upto": 0})
    assert (answer.status_code, answer.get_json()["seq"]) == (200, 0)
    assert site.stored() == before


# -- seen


def test_seen_of_nothing_changes_nothing(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    bob.send("alice")
    before = site.stored()["inboxes"]
    answer = alice.post("/badges/seen", {"badges": ["likes", "replies"], "upto": 1})
    assert answer.status_code == 200
    assert answer.get_json()["badges"]["messages"] == 1
    assert site.stored()["inboxes"] == before


# -- badges, always


def count_unread(site: Site, read: dict[tuple[int, int], int]) -> dict[int, int]:
    """Unread messages by user, counted afresh; `read` is how far each user has read each other's."""
    found: dict[int, int] = {}
    for number, from_id, to_id, *_rest in site.rows("messages"):
        if number > read.get((to_id, from_id), 0):
            found[to_id] = found.get(to_id, 0) + 1
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2), st.integers(1, 2), st.sampled_from(["", "k1", "k2"])),
        st.tuples(st.just("read"), st.integers(0, 2), st.integers(1, 2), st.integers(0, 4)),
    ),
    max_size=20,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_badges_always_equal_a_fresh_count(
    steps: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory, empty_database: Path
) -> None:
    """Three people send and mark as read in any order; after each step badges, unread and events agree."""
    opened = open_site(tmp_path_factory.mktemp("badges"), empty_database)
    site = next(opened)
    names = ["alice", "bob", "carol"]
    programs = site.programs(*names)
    read: dict[tuple[int, int], int] = {}
    try:
        for what, who, offset, more in steps:
            me, other = programs[who], names[(who + offset) % 3]
            before = {name: program.get("/badges").get_json() for name, program in zip(names, programs, strict=True)}
            if what == "send":
                answer = me.post("/messages", {"to": other, "body": "hi", **({"key": more} if more else {})})
                assert answer.status_code in (200, 201, 409)
            else:
                history = me.get(f"/messages/with/{other}").get_json()["messages"]
                upto = history[more % len(history)]["id"] if history else 0
                assert me.post("/messages/read", {"with": other, "upto": upto}).status_code == 200
                pair = who + 1, (who + offset) % 3 + 1
                read[pair] = max(upto, read.get(pair, 0))
            fresh = count_unread(site, read)
            for number, (name, program) in enumerate(zip(names, programs, strict=True), 1):
                now = program.get("/badges").get_json()
                assert now["badges"]["messages"] == fresh.get(number, 0)
                listed = program.get("/messages/conversations").get_json()["conversations"]
                assert sum(one["unread"] for one in listed) == fresh.get(number, 0)
                # a badge never changes without a new seq
                assert now["badges"] == before[name]["badges"] or now["seq"] > before[name]["seq"]
                page = program.get("/messages/poll?limit=500").get_json()
                assert [event["seq"] for event in page["events"]] == list(range(1, now["seq"] + 1))
                assert page["badges"] == now["badges"]
    finally:
        next(opened, None)


# -- people


def people(program: Program, query: str, **options: Any) -> list[str]:
    answer = program.get("/users", query_string={"q": query, **options})
    assert answer.status_code == 200, answer.text
    return [user["name"] for user in answer.get_json()["users"]]


def test_people_are_found_by_how_their_name_begins(both_sites: Site) -> None:
    alice, *_others = both_sites.programs("alice", "bob", "bobby", "robert")
    assert people(alice, "bob") == ["bob", "bobby"]
    assert people(alice, "BOB") == ["bob", "bobby"]
    assert people(alice, " bobb ") == ["bobby"]
    assert people(alice, "nobody") == []


def test_one_does_not_find_oneself(site: Site) -> None:
    alice, _alicia = site.programs("alice", "alicia")
    assert people(alice, "ali") == ["alicia"]


def test_wildcards_of_sql_are_plain_letters(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    for query in ("%", "_", "b%", "b_b", "\\", "%b", "b\\", "'", "a' OR '1'='1"):
        assert people(alice, query) == [], query


def test_underscore_and_dot_in_a_name_are_found_as_such(both_sites: Site) -> None:
    alice, *_others = both_sites.programs("alice", "b_b", "bxb", "b.b")
    assert people(alice, "b_") == ["b_b"]
    assert people(alice, "b.") == ["b.b"]


def test_people_are_found_by_their_display_name_too(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    both_sites.write("UPDATE users SET display_name = 'Žluťoučký', search_name = 'žluťoučký' WHERE name = 'bob'")
    assert people(alice, "ŽLUŤ") == ["bob"]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_at_most_as_many_people_as_asked_for_are_found(limit: int, site: Site) -> None:
    (alice, *_others) = site.programs("alice", *(f"user{number}" for number in range(5)))
    assert people(alice, "user", limit=limit) == [f"user{number}" for number in range(5)][:limit]


def test_somebody_is_shown_with_the_fields_of_the_contract(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    expected = {"name": "bob", "display_name": "bob", "avatar": "/avatars/bob?v=f5cbb140", "presence": "offline"}
    assert alice.get("/users/bob").get_json() == expected
    assert alice.get("/users?q=bob").get_json() == {"users": [expected]}
