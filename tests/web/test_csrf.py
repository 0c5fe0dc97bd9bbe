"""A signed-in browser's unsafe requests need the CSRF token: every route there is, also those that come later."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from .conftest import Site, is_problem

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
#: A value for every variable in a path; they exist, so that a request without the check would change something.
VALUES = {"name": "bob", "which": "all", "number": "1", "id": "1", "filename": "style.css", "post": "1", "task": "1"}


def unsafe_routes(app: Flask) -> list[tuple[str, str]]:
    """Every route and method that may change something; where other systems and `flask live` ask no session counts."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "operations.ask" or rule.endpoint.startswith(("systems.", "system_tasks.")):
            continue
        for method in sorted(set(rule.methods or ()) & set(UNSAFE)):
            found.append((method, path_of(rule)))
    return sorted(found)


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^:<>]+)>", lambda found: VALUES[found[1]], rule.rule)


BODIES: dict[str, Any] = {
    "/messages": {"to": "bob", "body": "hi"},
    "/messages/read": {"with": "bob", "upto": 1},
    "/messages/typing": {"to": "bob"},
    "/badges/seen": {"badges": ["likes"], "upto": 0},
    "/auth/tokens": {"label": "x"},
}
FORM = {"username": "mallory", "password": "correct horse", "body": "hi", "label": "x", "upto": "1"}


def test_the_routes_are_found(site: Site) -> None:
    found = unsafe_routes(site.app)
    assert ("POST", "/messages") in found
    assert ("DELETE", "/auth/tokens/1") in found
    assert ("POST", "/account/sessions/all/end") in found
    assert len(found) >= 14


@pytest.mark.parametrize("csrf", ["", "wrong", "IjEyMyI.aaaa.bbbb", "of another session"])
def test_no_unsafe_route_accepts_a_session_without_its_csrf_token(csrf: str, site: Site) -> None:
    alice, bob = site.browser("alice"), site.browser("bob")
    for name in ("alice", "bob"):
        site.people.token(name)
    bob.post("/messages", {"to": "alice", "body": "hi"})
    sent = bob.csrf if csrf == "of another session" else csrf
    headers = {"X-CSRFToken": sent} if sent else {}
    before = site.stored()
    for method, path in unsafe_routes(site.app):
        for options in ({"json": BODIES.get(path, {})}, {"data": {**FORM, "csrf_token": sent}}):
            answer = alice.client.open(path, method=method, headers=headers, **options)
            is_problem(answer, 403)
            assert "CSRF" in answer.get_json()["detail"]
    assert site.stored() == before


def test_token_in_the_header_is_accepted(site: Site) -> None:
    alice = site.browser("alice")
    site.people.add("bob")
    assert alice.post("/messages", {"to": "bob", "body": "hi"}).status_code == 201


def test_token_of_a_page_lasts_as_long_as_the_session(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    alice = site.browser("alice")
    site.people.add("bob")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 10 * 24 * 3600)
    assert alice.post("/messages", {"to": "bob", "body": "hi"}).status_code == 201


def test_token_of_a_session_that_ended_is_not_accepted_in_the_next(site: Site) -> None:
    alice = site.browser("alice")
    old = alice.csrf
    alice.post("/auth/logout")
    alice.sign_in()
    site.people.add("bob")
    answer = alice.client.post("/messages", json={"to": "bob", "body": "hi"}, headers={"X-CSRFToken": old})
    is_problem(answer, 403)


def test_programs_need_no_csrf_token(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    assert alice.post("/messages", {"to": "bob", "body": "hi"}).status_code == 201


def test_page_of_the_refusal_is_shown_to_a_browser(site: Site) -> None:
    alice = site.browser("alice")
    answer = alice.client.post("/account/tokens", data={"label": "x"}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert answer.mimetype == "text/html"
