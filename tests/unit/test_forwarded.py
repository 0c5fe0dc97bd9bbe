"""Whose word about a client's address and scheme is taken, and which of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from myapp.forwarded import Forwarded, Proxies

CLIENT = "203.0.113.9"


def seen(peer: str, headers: dict[str, str], *trusted: str) -> tuple[str, str]:
    """The address and the scheme that the application sees."""
    found: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        found.append(environ)
        return ()

    given = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    Forwarded(app, Proxies(trusted))({"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", **given}, None)
    return found[0]["REMOTE_ADDR"], found[0]["wsgi.url_scheme"]


def told(*addresses: str) -> dict[str, str]:
    return {"X-Forwarded-For": ", ".join(addresses), "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", ""])
def test_this_host_and_unix_sockets_are_trusted_as_local(peer: str) -> None:
    assert seen(peer, told(CLIENT), "local") == (CLIENT, "https")


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "::2", "2001:db8::1", "not an address"])
def test_another_host_is_not_trusted_as_local(peer: str) -> None:
    assert seen(peer, told(CLIENT), "local") == (peer, "http")


@pytest.mark.parametrize(("peer", "trusted"), [("10.9.8.7", "10.0.0.0/8"), ("2001:db8::5", "2001:db8::/32")])
def test_a_network_is_trusted_by_name(peer: str, trusted: str) -> None:
    assert seen(peer, told(CLIENT), trusted) == (CLIENT, "https")


@pytest.mark.parametrize("peer", ["127.0.0.1", ""])
def test_a_list_replaces_local(peer: str) -> None:
    assert seen(peer, told(CLIENT), "10.0.0.0/8") == (peer, "http")


def test_of_several_addresses_the_last_that_is_no_proxys_counts() -> None:
    headers = told("198.51.100.1", CLIENT, "10.0.0.2", "10.0.0.1")
    assert seen("127.0.0.1", headers, "local", "10.0.0.0/8") == (CLIENT, "https")


def test_what_a_client_wrote_before_its_own_address_does_not_count() -> None:
    assert seen("127.0.0.1", told("10.0.0.66", "127.0.0.1", CLIENT), "local", "10.0.0.0/8") == (CLIENT, "https")


def test_where_all_are_proxies_the_first_counts() -> None:
    assert seen("127.0.0.1", told("10.0.0.2", "10.0.0.1"), "local", "10.0.0.0/8") == ("10.0.0.2", "https")


def test_a_chain_without_end_is_followed_for_a_while() -> None:
    address, _ = seen("127.0.0.1", told(CLIENT, *["127.0.0.1"] * 100), "local")
    assert address == "127.0.0.1"


@pytest.mark.parametrize("header", ["", ",", " , ,"])
def test_an_empty_header_changes_nothing(header: str) -> None:
    assert seen("127.0.0.1", {"X-Forwarded-For": header}, "local") == ("127.0.0.1", "http")


def test_the_scheme_alone_counts_too() -> None:
    assert seen("127.0.0.1", {"X-Forwarded-Proto": "https"}, "local") == ("127.0.0.1", "https")


def test_nothing_else_that_is_forwarded_counts() -> None:
    environ: dict[str, Any] = {}

    def app(given: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.update(given)
        return ()

    headers = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_PREFIX": "/evil"}
    given = {
        "REMOTE_ADDR": "",
        "HTTP_HOST": "ours.example",
        "HTTP_X_FORWARDED_FOR": CLIENT,
        "SCRIPT_NAME": "",
        **headers,
    }
    Forwarded(app, Proxies(["local"]))(given, None)
    assert (environ["HTTP_HOST"], environ["SCRIPT_NAME"]) == ("ours.example", "")
