"""Requests that fail on the way: made again, and once however often they were made."""

from __future__ import annotations

import random
import sys
from types import SimpleNamespace

import pytest

from myapp_client import (
    BadRequest,
    Client,
    ClientError,
    Closed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Notified,
    NotSignedIn,
    ProtocolError,
    Ticket,
    TooLarge,
    TooMany,
    Unavailable,
    Unreachable,
    User,
)
from myapp_client.retrying import Patience

from ..support import free_port
from .failing import FailingServer, answer, problem
from .speaking import QUICK, Speaker, Speakers

ACCEPTED = answer(202, {"accepted": 1, "unknown": []})


@pytest.fixture
def system(failing: FailingServer, speakers: Speakers) -> Speaker:
    return speakers(failing.url, "a-system's-token", patience=5.0)


def test_notify_sends_what_was_given_and_nothing_else(failing: FailingServer, system: Speaker) -> None:
    failing.script = [ACCEPTED]
    assert system.notify("bob", "Report ready", url="/reports/7", badge="reports", data={"n": 7}, key="r7") == Notified(
        1, ()
    )
    (asked,) = failing.asked
    assert (asked.method, asked.path) == ("POST", "/api/notifications")
    assert asked.headers["authorization"] == "Bearer a-system's-token"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "to": "bob",
        "title": "Report ready",
        "url": "/reports/7",
        "badge": "reports",
        "data": {"n": 7},
        "key": "r7",
    }


def test_several_can_be_notified_and_who_is_unknown_is_told(failing: FailingServer, system: Speaker) -> None:
    failing.script = [answer(202, {"accepted": 2, "unknown": ["eve"]})]
    assert system.notify(["bob", "carol", "eve"], "Hi") == Notified(2, ("eve",))
    system.notify("*", "Hi")
    assert [asked.body["to"] for asked in failing.asked] == [["bob", "carol", "eve"], "*"]


@pytest.mark.parametrize(
    "failure", [*FailingServer.BREAKS, problem(503, "away"), problem(429, "slower"), (502, {}, b"")]
)
def test_what_failed_on_the_way_is_made_again_with_the_same_key(
    failing: FailingServer, system: Speaker, failure: object
) -> None:
    failing.script = [failure, failure, ACCEPTED]  # type: ignore[list-item]
    assert system.notify("bob", "Hi").accepted == 1
    keys = {asked.body["key"] for asked in failing.asked}
    assert len(failing.asked) == 3 and len(keys) == 1 and len(keys.pop()) == 32


def test_two_notifications_have_two_keys(failing: FailingServer, system: Speaker) -> None:
    failing.script = [ACCEPTED]
    system.notify("bob", "Hi"), system.notify("bob", "Hi")
    assert len({asked.body["key"] for asked in failing.asked}) == 2


@pytest.fixture
def waits(system: Speaker, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that `system` would wait between attempts: no time passes."""
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    if isinstance(system.client, Client):
        monkeypatch.setattr(system.client._closing, "wait", waits.append)
    else:
        monkeypatch.setattr(system.client, "_sleep", note)
    return waits


@pytest.mark.parametrize("status", [429, 503])
def test_it_is_not_made_again_before_the_server_wants_it(
    failing: FailingServer, system: Speaker, waits: list[float], status: int
) -> None:
    failing.script = [problem(status, "later", Retry_After="3"), ACCEPTED]
    system.notify("bob", "Hi")
    assert waits == [3.0]


def test_who_is_asked_to_wait_longer_than_patience_is_told_at_once(failing: FailingServer, system: Speaker) -> None:
    failing.script = [problem(503, "The database is away.", Retry_After="60")]
    with pytest.raises(Unavailable, match="The database is away") as caught:
        system.notify("bob", "Hi")
    assert (caught.value.retry_after, caught.value.status, len(failing.asked)) == (60.0, 503, 1)


def test_patience_ends_and_then_the_error_is_raised(
    failing: FailingServer, system: Speaker, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: sum(waits))  # only waiting takes time
    monkeypatch.setattr(sys.modules[type(system.client).__module__], "time", clock)
    failing.script = [problem(503, "away")]
    with pytest.raises(Unavailable):
        system.notify("bob", "Hi")
    assert len(failing.asked) == len(waits) + 1 > 2
    assert 4.0 < sum(waits) < 5.0


@pytest.mark.parametrize(("patience", "seconds"), [(30.0, 10.0), (2.0, 2.0), (0.0, 1.0)])
def test_no_step_of_an_attempt_takes_longer_than_patience(patience: float, seconds: float) -> None:
    now = 100.0
    assert Patience(patience, QUICK, random.Random(1), now).timeout(10.0, now) == seconds


def test_where_nobody_answers_it_is_unreachable(speakers: Speakers) -> None:
    for host in (f"127.0.0.1:{free_port()}", "1.2.3.999"):
        with pytest.raises(Unreachable, match=f"No answer from http://{host}: "):
            speakers(f"http://{host}", "t", patience=0.1).send("bob", "hi")


ERRORS = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    500: ProtocolError,
}


@pytest.mark.parametrize("status", ERRORS)
def test_a_refusal_is_not_made_again_and_raised_as_what_it_is(
    failing: FailingServer, system: Speaker, status: int
) -> None:
    failing.script = [problem(status, "Do it otherwise.", {"title": "is blank"} if status == 422 else None)]
    with pytest.raises(ERRORS[status], match="Do it otherwise") as caught:
        system.notify("bob", " ")
    assert (caught.value.status, caught.value.title, len(failing.asked)) == (status, "Wrong", 1)
    assert caught.value.errors == ({"title": "is blank"} if status == 422 else {})


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"accepted": "many"}', b""])
def test_an_answer_of_another_program_is_a_protocol_error(failing: FailingServer, system: Speaker, body: bytes) -> None:
    failing.script = [(200, {"Content-Type": "text/html"}, body)]
    with pytest.raises(ProtocolError, match="POST /api/notifications"):
        system.notify("bob", "Hi")


def test_a_redirect_names_the_address_to_use(failing: FailingServer, system: Speaker) -> None:
    failing.script = [(301, {"Location": "https://example.org/x"}, b"")]
    with pytest.raises(ProtocolError, match=r"https://example\.org/x"):
        system.me()


def test_following_takes_the_token_to_no_other_address(failing: FailingServer, speakers: Speakers) -> None:
    other = FailingServer()
    other.script = [answer(200, {})]
    failing.script = [(301, {"Location": f"{other.url}/ws"}, b"")]
    with pytest.raises(ProtocolError, match=other.url):
        speakers(failing.url, "t").follow(0).next()
    other.close()
    assert other.asked == []
    assert [asked.path.partition("?")[0] for asked in failing.asked] == ["/ws", "/messages/long-poll"]


def test_announce_gives_the_id_and_has_a_key(failing: FailingServer, system: Speaker) -> None:
    failing.script = ["reset", answer(202, {"id": 3})]
    assert system.announce("Maintenance", body="at noon", url="/posts/1") == 3
    first, second = failing.asked
    assert first.body == second.body and set(first.body) == {"title", "body", "url", "key"}
    assert (first.method, first.path) == ("POST", "/api/announcements")


def test_users_and_tickets_of_a_system(failing: FailingServer, system: Speaker) -> None:
    failing.script = [
        answer(200, {"name": "a/b", "display_name": "Anna B.", "avatar": "/x.png"}),
        answer(200, {"name": "bob", "display_name": "bob", "avatar": None}),
        answer(201, {"ticket": "t", "expires_in": 600}),
    ]
    assert system.put_user("a/b", "Anna B.") == User("a/b", "Anna B.", "/x.png")
    assert system.put_user("bob") == User("bob", "bob")
    assert system.ticket("bob") == Ticket("t", 600.0)
    assert [(asked.method, asked.path, asked.body) for asked in failing.asked] == [
        ("PUT", "/api/users/a%2Fb", {"display_name": "Anna B."}),
        ("PUT", "/api/users/bob", {}),
        ("POST", "/api/tickets", {"user": "bob"}),
    ]


def test_data_that_json_cannot_say_is_named(system: Speaker) -> None:
    with pytest.raises(TypeError, match="^data: "):
        system.notify("bob", "Hi", data={"x": object()})
    with pytest.raises(ValueError, match="^data: "):
        system.notify("bob", "Hi", data={"x": float("nan")})


def test_a_closed_client_says_so_and_can_be_closed_again(failing: FailingServer, system: Speaker) -> None:
    system.close()
    system.close()
    with pytest.raises(Closed):
        system.me()
    with pytest.raises(Closed):
        system.follow()


@pytest.mark.parametrize(
    ("url", "token", "named"),
    [
        ("example.org", "t", "url: "),
        ("ftp://example.org", "t", "url: "),
        ("http://", "t", "url: "),
        ("http://example.org:abc", "t", "url: "),
        ("http://example.org:99999", "t", "url: "),
        ("http://[::1", "t", "url: "),
        ("http://bob:secret@example.org", "t", "url: "),
        ("http://bob:secret@example.org:abc", "t", "url: "),
        ("http://example.org/?a=secret", "t", "url: "),
        ("ftp://bob:secret@example.org", "t", "url: "),
        ("http://example.org", "", "token: "),
        ("http://example.org", "two\nlines", "token: "),
        ("http://example.org", "schlüssel", "token: "),
    ],
)
def test_bad_addresses_and_tokens_are_named(url: str, token: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}") as caught:
        Client(url, token)
    assert "secret" not in str(caught.value)


def test_the_service_may_be_below_a_path(failing: FailingServer, speakers: Speakers) -> None:
    failing.script = [answer(200, {"name": "bob", "via": "system"})]
    assert speakers(f"{failing.url}/app/", "t").me().is_system
    assert failing.asked[0].path == "/app/auth/me"


def test_all_errors_are_of_one_tree() -> None:
    assert all(issubclass(error, ClientError) for error in (*ERRORS.values(), TooMany, Unreachable, Closed))
    assert issubclass(Unreachable, Unavailable)
    assert QUICK.first < 1  # the tests' own pace
