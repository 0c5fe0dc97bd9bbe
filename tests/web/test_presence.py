"""GET /presence: who of some people is online."""

from __future__ import annotations

import pytest

from .conftest import Site


def test_people_who_are_not_here_are_offline_by_the_names_they_were_asked_by(both_sites: Site) -> None:
    alice, _bob = both_sites.programs("alice", "bob")
    assert alice.get("/presence?users=bob,ALICE,bob").get_json() == {"bob": "offline", "ALICE": "offline"}


def test_who_waits_here_is_online(site: Site) -> None:
    (alice,) = site.programs("alice")
    dispatcher = site.app.extensions["myapp"].dispatcher
    dispatcher.presence.they_have("host:1", [alice.get("/auth/me").get_json()["id"]])
    assert alice.get("/presence?users=alice").get_json() == {"alice": "online"}


@pytest.mark.parametrize(
    "query", ["", "?users=", "?users=,%20,", "?users=" + ",".join(f"u{number}" for number in range(51))]
)
def test_nobody_or_too_many_are_refused(query: str, site: Site) -> None:
    (alice,) = site.programs("alice")
    answer = alice.get(f"/presence{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"]["users"] == "give 1 to 50 names, separated by commas"


def test_name_of_nobody_is_named(site: Site) -> None:
    (alice,) = site.programs("alice")
    answer = alice.get("/presence?users=alice,nobody-at-all")
    assert answer.status_code == 404
    assert "nobody-at-all" in answer.get_json()["detail"]


def test_who_is_not_signed_in_is_told_nothing(site: Site) -> None:
    assert site.guest().get("/presence?users=alice").status_code == 401
