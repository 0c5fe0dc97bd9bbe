"""Programs: bearer tokens and tickets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Program, Site, is_problem, open_site

ORIGIN = "https://shop.example"


# -- tokens


def test_token_says_who_one_is(site: Site) -> None:
    (alice,) = site.programs("alice")
    assert alice.get("/auth/me").get_json() == {
        "id": 1,
        "name": "alice",
        "display_name": "alice",
        "avatar": "/avatars/alice?v=278ebc47",
        "is_admin": False,
        "via": "token",
    }


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "Bearer {} "])
def test_scheme_is_read_as_the_rfc_has_it(header: str, site: Site) -> None:
    site.people.add("alice")
    token = site.people.token("alice")
    answer = site.guest().get("/auth/me", headers={"Authorization": header.format(token)})
    assert answer.status_code == 200


BAD = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    "Bearer myapp_wrong",
    "Bearer {} {}",
    "Bearer {}x",
    "Bearer x{}",
    "{}",
    "Basic {}",
    "Basic YWxpY2U6cGFzc3dvcmQ=",
    "Token {}",
    "Bearer,{}",
    "Bearer\t{}",
    "Bearer \xff\xfe",
    "Bearer " + "x" * 5000,
    "Bearer ticket_",
    "Bearer ticket_wrong",
    "Bearer ticket_.a.b",
    "Bearer ticket_InRva2VuOjEi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
]


@pytest.mark.parametrize("header", BAD)
@pytest.mark.parametrize("path", ["/auth/me", "/messages/poll", "/messages/conversations"])
def test_bad_bearer_is_refused_even_with_a_good_cookie(header: str, path: str, site: Site) -> None:
    alice = site.browser("alice")
    token = site.people.token("alice")
    answer = alice.get(path, headers={"Authorization": header.replace("{}", token)})
    is_problem(answer, 401)
    assert "Authorization: Bearer" in answer.get_json()["detail"]


def test_bearer_counts_alone_where_there_is_a_cookie_of_another(site: Site) -> None:
    alice = site.browser("alice")
    site.people.add("bob")
    answer = alice.get("/auth/me", headers={"Authorization": f"Bearer {site.people.token('bob')}"})
    assert answer.get_json()["name"] == "bob"


def test_revoked_token_is_refused(site: Site) -> None:
    (alice,) = site.programs("alice")
    (token,) = alice.get("/auth/tokens").get_json()["tokens"]
    assert alice.delete(f"/auth/tokens/{token['id']}").status_code == 204
    is_problem(alice.get("/auth/me"), 401)


def test_token_is_shown_once_and_stored_as_a_hash_only(site: Site) -> None:
    (alice,) = site.programs("alice")
    made = alice.post("/auth/tokens", {"label": "backup"})
    assert made.status_code == 201
    body = made.get_json()
    assert set(body) == {"id", "token", "label", "created_at"}
    assert Program(site.app, body["token"]).get("/auth/me").get_json()["name"] == "alice"
    assert body["token"] not in repr(site.stored())
    assert body["token"] not in alice.get("/auth/tokens").text


def test_tokens_are_listed_with_their_labels(site: Site) -> None:
    (alice,) = site.programs("alice")
    alice.post("/auth/tokens", {"label": "backup ✓"})
    alice.post("/auth/tokens", {})
    listed = alice.get("/auth/tokens").get_json()["tokens"]
    assert [token["label"] for token in listed] == ["", "backup ✓", "test"]
    assert listed[0]["last_used_at"] is None
    assert listed[2]["last_used_at"] is not None


def test_token_of_somebody_else_cannot_be_revoked(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    (token,) = alice.get("/auth/tokens").get_json()["tokens"]
    is_problem(bob.delete(f"/auth/tokens/{token['id']}"), 404)
    assert alice.get("/auth/me").status_code == 200


def test_number_of_a_revoked_token_is_not_given_again(site: Site) -> None:
    (alice,) = site.programs("alice")
    first = alice.post("/auth/tokens", {}).get_json()["id"]
    alice.delete(f"/auth/tokens/{first}")
    assert alice.post("/auth/tokens", {}).get_json()["id"] > first


def test_program_has_no_session_to_end(site: Site) -> None:
    (alice,) = site.programs("alice")
    is_problem(alice.post("/auth/logout"), 403)
    assert alice.get("/auth/me").status_code == 200


def test_program_gets_no_cookie(site: Site) -> None:
    (alice,) = site.programs("alice")
    assert "Set-Cookie" not in alice.get("/auth/me").headers


# -- tickets


@pytest.fixture
def ticket_site(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, ALLOWED_ORIGINS=ORIGIN)


def ticket_of(program: Any) -> str:
    answer = program.post("/auth/ticket")
    assert answer.status_code == 200
    assert answer.get_json()["expires_in"] == 600
    ticket: str = answer.get_json()["ticket"]
    return ticket


MAY = [
    ("GET", "/messages/poll", None),
    ("GET", "/messages/long-poll?timeout=0", None),
    ("GET", "/badges", None),
    ("POST", "/messages/read", {"with": "bob", "upto": 0}),
    ("POST", "/badges/seen", {"badges": ["likes"], "upto": 0}),
    ("POST", "/auth/ticket", None),
]
MAY_NOT = [
    ("POST", "/messages", {"to": "bob", "body": "hi"}),
    ("POST", "/messages/typing", {"to": "bob"}),
    ("GET", "/messages/conversations", None),
    ("GET", "/messages/with/bob", None),
    ("GET", "/users?q=b", None),
    ("GET", "/users/bob", None),
    ("GET", "/auth/tokens", None),
    ("POST", "/auth/tokens", {"label": "x"}),
    ("DELETE", "/auth/tokens/1", None),
    ("GET", "/auth/sessions", None),
    ("DELETE", "/auth/sessions/all", None),
    ("POST", "/auth/logout", None),
    ("GET", "/", None),
    ("GET", "/chats/bob", None),
    ("POST", "/chats/bob", None),
    ("POST", "/chats/bob/read", None),
    ("GET", "/account", None),
    ("POST", "/account/tokens", None),
    ("POST", "/account/tokens/1/revoke", None),
    ("POST", "/account/sessions/all/end", None),
]


@pytest.mark.parametrize(("method", "path", "json"), MAY)
def test_ticket_may_follow_and_mark_as_read_and_seen(method: str, path: str, json: Any, site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    ticket = Program(site.app, ticket_of(alice))
    assert ticket.open(path, method, json=json).status_code == 200


@pytest.mark.parametrize(("method", "path", "json"), MAY_NOT)
def test_ticket_may_do_nothing_else(method: str, path: str, json: Any, site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    ticket = Program(site.app, ticket_of(alice))
    before = site.stored()
    is_problem(ticket.open(path, method, json=json), 403)
    assert site.stored() == before


def test_ticket_in_the_address_counts_on_the_ways_of_following(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    bob.send("alice")
    ticket = ticket_of(alice)
    for path in ("/messages/poll", "/messages/long-poll"):
        assert len(site.guest().get(f"{path}?ticket={ticket}").get_json()["events"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "json"),
    [*MAY_NOT, *((method, path, json) for method, path, json in MAY if "poll" not in path), ("GET", "/auth/me", None)],
)
def test_ticket_in_the_address_counts_nowhere_else(method: str, path: str, json: Any, site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    ticket = ticket_of(alice)
    before = site.stored()
    path += ("&" if "?" in path else "?") + f"ticket={ticket}"
    is_problem(site.guest().open(path, method, json=json), 401)
    assert site.stored() == before


@pytest.mark.parametrize("ticket", ["wrong", "ticket_", "ticket_x.y.z", "%00", "%FF", "🐎"])
def test_wrong_ticket_in_the_address_is_refused(ticket: str, site: Site) -> None:
    site.people.add("alice")
    answer = site.guest().get(f"/messages/poll?ticket={ticket}")
    is_problem(answer, 401)
    assert "ticket" in answer.get_json()["detail"]


def test_token_does_not_count_as_a_ticket_in_the_address(site: Site) -> None:
    (alice,) = site.programs("alice")
    is_problem(site.guest().get(f"/messages/poll?ticket={alice.token}"), 401)


def test_bad_bearer_is_not_mended_by_a_good_ticket(site: Site) -> None:
    (alice,) = site.programs("alice")
    ticket = ticket_of(alice)
    answer = site.guest().get(f"/messages/poll?ticket={ticket}", headers={"Authorization": "Bearer wrong"})
    is_problem(answer, 401)


def test_ticket_expires_after_ten_minutes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (alice,) = site.programs("alice")
    ticket = Program(site.app, ticket_of(alice))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 598)
    assert ticket.get("/messages/poll").status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + 602)
    is_problem(ticket.get("/messages/poll"), 401)


def test_ticket_renews_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (alice,) = site.programs("alice")
    ticket = Program(site.app, ticket_of(alice))
    real = time.time
    for turn in range(1, 4):
        monkeypatch.setattr(time, "time", lambda turn=turn: real() + 500 * turn)
        ticket = Program(site.app, ticket_of(ticket))
    assert ticket.get("/messages/poll").status_code == 200


def test_ticket_ends_with_the_session_it_was_made_from(site: Site) -> None:
    alice = site.browser("alice")
    ticket = Program(site.app, ticket_of(alice))
    assert ticket.get("/messages/poll").status_code == 200
    renewed = Program(site.app, ticket_of(ticket))
    alice.post("/auth/logout")
    for one in (ticket, renewed):
        is_problem(one.get("/messages/poll"), 401)


def test_ticket_ends_with_the_token_it_was_made_from(site: Site) -> None:
    (alice,) = site.programs("alice")
    ticket = Program(site.app, ticket_of(alice))
    (token,) = alice.get("/auth/tokens").get_json()["tokens"]
    alice.delete(f"/auth/tokens/{token['id']}")
    is_problem(ticket.get("/messages/poll"), 401)


def test_ticket_does_not_appear_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    (alice,) = site.programs("alice")
    ticket = ticket_of(alice)
    with caplog.at_level("DEBUG"):
        site.guest().get(f"/messages/poll?ticket={ticket}")
    assert "/messages/poll" in caplog.text
    assert ticket not in caplog.text


# -- pages of other origins


@pytest.mark.parametrize(
    "path", ["/messages/poll", "/messages/long-poll?timeout=0", "/messages/read", "/badges", "/badges/seen"]
)
def test_allowed_origin_may_read_the_ways_of_following(path: str, ticket_site: Site) -> None:
    (alice,) = ticket_site.programs("alice")
    for method in ("GET", "POST", "OPTIONS"):
        answer = alice.open(path, method, headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_preflight_allows_what_programs_in_pages_send(ticket_site: Site) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = ticket_site.guest().open("/messages/read", "OPTIONS", headers=headers)
    assert answer.status_code == 200
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_refusal_can_be_read_by_an_allowed_origin(ticket_site: Site) -> None:
    answer = ticket_site.guest().get("/messages/poll", headers={"Origin": ORIGIN})
    is_problem(answer, 401)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "*", "http://shop.example", ORIGIN + ".evil.example", ""]
)
def test_other_origins_may_read_nothing(origin: str, ticket_site: Site) -> None:
    (alice,) = ticket_site.programs("alice")
    for method in ("GET", "OPTIONS"):
        answer = alice.open("/messages/poll", method, headers={"Origin": origin})
        assert not any(name.startswith("Access-Control-") for name, _value in answer.headers)
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/messages", "/messages/conversations", "/auth/me", "/users", "/auth/tokens", "/"])
def test_allowed_origin_may_read_nothing_else(path: str, ticket_site: Site) -> None:
    (alice,) = ticket_site.programs("alice")
    for method in ("GET", "OPTIONS"):
        answer = alice.open(path, method, headers={"Origin": ORIGIN})
        assert not any(name.startswith("Access-Control-") for name, _value in answer.headers)
