"""Bad input: every request there is, with everything that can be wrong. Never a 500, and nothing is half stored."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from myapp.systems import tokens
from myapp.tasks import kinds, task

from .conftest import HTML, Browser, Program, Site, is_problem, open_site


class Request(NamedTuple):
    """A request of the contract as it is right; the tests make it wrong."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    optional: tuple[str, ...] = ()
    by: str = "alice"


CONTENT: dict[str, Any] = {"body": "x", "url": "/", "badge": "orders", "data": {"order": 1}, "key": "k"}
BOTH = ("kinds", "systems")
TASK: dict[str, Any] = {"kind": "backup", "key": "k", "timeout": 60, "state": "running"}
CHANGE: dict[str, Any] = {"progress": 1, "state": "failed", "result_url": "/", "error": "x"}
REQUESTS = [
    Request("POST", "/messages", {"to": "bob", "body": "hi", "key": "k"}, ("key",)),
    Request("POST", "/messages/read", {"with": "bob", "upto": 1}),
    Request("POST", "/messages/typing", {"to": "bob"}),
    Request("DELETE", "/messages/1"),
    Request("POST", "/badges/seen", {"badges": ["likes"], "upto": 1}),
    Request("POST", "/auth/tokens", {"label": "x"}, ("label",)),
    Request("POST", "/auth/ticket"),
    Request("POST", "/auth/logout"),
    Request("DELETE", "/auth/tokens/1"),
    Request("DELETE", "/auth/sessions/1"),
    Request("DELETE", "/auth/sessions/all"),
    Request("GET", "/auth/me"),
    Request("GET", "/auth/tokens"),
    Request("GET", "/auth/sessions"),
    Request("GET", "/messages/conversations"),
    Request("GET", "/messages/with/bob"),
    Request("GET", "/messages/poll"),
    Request("GET", "/messages/long-poll?timeout=0"),
    Request("GET", "/messages/stream"),
    Request("GET", "/badges"),
    Request("GET", "/users?q=b"),
    Request("GET", "/users/bob"),
    Request("PUT", "/users/bob/block"),
    Request("DELETE", "/users/bob/block"),
    Request("GET", "/users/blocked"),
    Request("POST", "/reports", {"user": "bob", "reason": "x", "message": 1, "post": None}, ("message", "post")),
    Request("GET", "/presence?users=bob"),
    Request("GET", "/avatars/bob"),
    Request("GET", "/notifications"),
    Request("GET", "/search?q=hi"),
    Request("POST", "/notifications/seen", {"seqs": [1], "upto": 1}, ("seqs", "upto")),
    Request("GET", "/notifications/preferences"),
    Request("PUT", "/notifications/preferences", {"kinds": {"like": True}, "systems": {"shop": True}}, BOTH),
    Request("POST", "/posts", {"body": "hi", "key": "k"}, ("key",)),
    Request("GET", "/posts"),
    Request("GET", "/posts/1"),
    Request("DELETE", "/posts/1"),
    Request("GET", "/posts/1/replies"),
    Request("POST", "/posts/1/replies", {"body": "hi", "key": "k"}, ("key",)),
    Request("PUT", "/posts/1/reaction", {"reaction": "like"}, ("reaction",)),
    Request("POST", "/posts/1/seen", {}),
    Request("POST", "/tasks", {"kind": "report", "params": {"month": "x"}, "key": "k"}, ("params", "key")),
    Request("GET", "/tasks"),
    Request("GET", "/tasks/1"),
    Request("POST", "/tasks/1/cancel"),
    Request("POST", "/tasks/1/retry"),
    Request("GET", "/tasks/1/result"),
    Request("POST", "/api/notifications", {"to": "bob", "title": "Hi", **CONTENT}, tuple(CONTENT), "shop"),
    Request("POST", "/api/announcements", {"title": "Hi", "body": "x", "url": "/", "key": "k"}, tuple(CONTENT), "shop"),
    Request("GET", "/api/announcements/1", by="shop"),
    Request("PUT", "/api/users/zoe", {"display_name": "Zoe"}, ("display_name",), "shop"),
    Request("POST", "/api/tickets", {"user": "zoe"}, by="shop"),
    Request("POST", "/api/tasks", {"to": "bob", "title": "Hi", **TASK}, tuple(TASK), "shop"),
    Request("GET", "/api/tasks/1", by="shop"),
    Request("PATCH", "/api/tasks/1", CHANGE, tuple(CHANGE), "shop"),
]
WITH_BODY = [request for request in REQUESTS if request.body is not None]
#: What is not a request of the contract: pages, and what looks after the process.
OTHER_BLUEPRINTS = {
    *("health", "openapi", "operations", "static", "static_version", "static_embed", "admin", "announcements"),
}
OTHER_PATHS = ("/chats/", "/account", "/auth/login", "/auth/register", "/auth/guest", "/language", "/ws")
OTHER_ENDPOINTS = {
    *("notifications.panel", "notifications.mark_form", "notifications.preferences_form"),
    *("messages.delete_page", "messages.delete_form", "auth.block_form", "auth.unblock_form"),
    *("reports.new", "reports.send_form"),
    *("posts.newer", "posts.newer_replies", "posts.write_form", "posts.write_page", "posts.reply_form"),
    *("posts.react_form", "posts.delete_form", "posts.form_page"),
    *("tasks.part", "tasks.start_form", "tasks.start_page", "tasks.cancel_form", "tasks.retry_form", "tasks.form_page"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Site]:
    """Alice, Bob who has written to her, and nothing that any request here may change."""

    @task("report")
    def report(month: str) -> None:
        pass

    for site in open_site(tmp_path_factory.mktemp("bad-input"), empty_database):
        alice, bob = site.programs("alice", "bob")
        bob.send("alice")
        alice.send("bob")
        bob.post("/posts", {"body": "hello"})
        shop = site.system("shop")
        shop.put("/api/users/zoe", {})
        shop.post("/api/tasks", {"to": "bob", "title": "Backup"})
        yield site
    kinds.remove("report")


@pytest.fixture(scope="module")
def alice(site: Site) -> Program:
    return site.program("alice")


@pytest.fixture(scope="module")
def callers(site: Site, alice: Program) -> dict[str, Program]:
    """Who may ask each request."""
    with site.app.extensions["myapp"].database.transaction() as transaction:
        token = tokens.create(transaction, 1, "bad input", tokens.SCOPES)["token"]
    return {"alice": alice, "shop": Program(site.app, token)}


@pytest.fixture(scope="module")
def alices_browser(site: Site) -> Browser:
    with site.app.app_context():
        from myapp.auth.passwords import hash_password

    site.write(f"UPDATE users SET password_hash = '{hash_password('correct horse')}' WHERE name = 'alice'")
    return Browser(site.app, "alice").sign_in()


@pytest.fixture(autouse=True)
def nothing_is_stored(site: Site, callers: dict[str, Program], alices_browser: Browser) -> Iterator[None]:
    """Whatever a test here asks for, nothing is stored."""
    before = site.stored()
    yield
    assert site.stored() == before


def named(request: Request) -> str:
    return f"{request.method} {request.path}"


def test_every_request_of_the_application_is_in_the_table(site: Site) -> None:
    known = {(request.method, request.path.partition("?")[0]) for request in REQUESTS}
    adapter = site.app.url_map.bind("localhost")
    endpoints = {adapter.match(path, method=method)[0] for method, path in known}
    for rule in site.app.url_map.iter_rules():
        is_page = rule.rule == "/" or rule.rule.startswith(OTHER_PATHS) or rule.endpoint in OTHER_ENDPOINTS
        if not is_page and rule.endpoint.partition(".")[0] not in OTHER_BLUEPRINTS:
            assert rule.endpoint in endpoints, f"{rule} is in no table of bad input"


# -- who is asking


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
def test_nobody_is_told_to_sign_in(request_: Request, site: Site) -> None:
    is_problem(site.guest().open(request_.path, request_.method, json=request_.body), 401)


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Basic YWxpY2U6cGFzc3dvcmQ=", "", "Bearer \x7f", "Bearer ticket_x"]
)
def test_wrong_or_malformed_bearer_is_refused(header: str, request_: Request, alices_browser: Browser) -> None:
    answer = alices_browser.open(request_.path, request_.method, json=request_.body, headers={"Authorization": header})
    is_problem(answer, 401)


@pytest.mark.parametrize("request_", REQUESTS, ids=named)
def test_revoked_bearer_is_refused(request_: Request, site: Site) -> None:
    token = site.people.token("alice")
    program = Program(site.app, token)
    (newest, *_others) = program.get("/auth/tokens").get_json()["tokens"]
    assert program.delete(f"/auth/tokens/{newest['id']}").status_code == 204
    is_problem(program.open(request_.path, request_.method, json=request_.body), 401)


@pytest.mark.parametrize("request_", [r for r in REQUESTS if r.method != "GET"], ids=named)
@pytest.mark.parametrize("token", ["", "wrong", "\x00", "x" * 5000])
def test_wrong_csrf_token_is_refused(token: str, request_: Request, alices_browser: Browser) -> None:
    answer = alices_browser.client.open(
        request_.path, method=request_.method, json=request_.body, headers={"X-CSRFToken": quote(token)}
    )
    is_problem(answer, 403)


# -- bodies

NOT_JSON = {
    "empty": b"",
    "blank": b"  \n",
    "text": b"hello",
    "cut off": b'{"to": "bob", "bo',
    "two values": b"{}{}",
    "single quotes": b"{'to': 'bob'}",
    "trailing comma": b'{"to": "bob",}',
    "NaN": b"NaN",
    "infinity": b'{"upto": Infinity}',
    "form": b"to=bob&body=hi",
    "not UTF-8": b'{"to": "\xff"}',
    "UTF-16": '{"to": "bob"}'.encode("utf-16"),
    "NUL": b"\x00",
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 12_000,
    "deep and whole": b"[" * 30_000 + b"]" * 30_000,
}


@pytest.mark.parametrize("request_", WITH_BODY, ids=named)
@pytest.mark.parametrize("case", NOT_JSON)
def test_body_that_is_not_json_is_refused(case: str, request_: Request, callers: dict[str, Program]) -> None:
    headers = {"Content-Type": "application/json"}
    answer = callers[request_.by].open(request_.path, request_.method, data=NOT_JSON[case], headers=headers)
    # a whole list, however deep, is JSON, and of the wrong type
    assert answer.status_code == 400 or (case == "deep and whole" and answer.status_code == 422)
    is_problem(answer, answer.status_code)


@pytest.mark.parametrize("request_", WITH_BODY, ids=named)
@pytest.mark.parametrize("value", [[], "text", 5, None, True, [{}], 1.5])
def test_json_of_the_wrong_type_is_refused(value: object, request_: Request, callers: dict[str, Program]) -> None:
    headers = {"Content-Type": "application/json"}
    is_problem(
        callers[request_.by].open(request_.path, request_.method, data=json.dumps(value), headers=headers), 422, "body"
    )


@pytest.mark.parametrize("request_", WITH_BODY, ids=named)
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/problem+json",
        "json",
    ],
)
def test_other_content_type_is_refused(kind: str | None, request_: Request, callers: dict[str, Program]) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    data = json.dumps(request_.body)
    is_problem(callers[request_.by].open(request_.path, request_.method, data=data, headers=headers), 415)


@pytest.mark.parametrize("request_", WITH_BODY, ids=named)
@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
def test_body_over_64_kb_is_refused(
    size: int, request_: Request, callers: dict[str, Program], alices_browser: Browser
) -> None:
    data = json.dumps({**(request_.body or {}), "pad": ""}).encode()
    data = data[:-2] + b"x" * (size - len(data)) + data[-2:]
    assert len(data) == size
    for client in (callers[request_.by], *([alices_browser] if request_.by == "alice" else [])):
        headers = {"Content-Type": "application/json"}
        is_problem(client.open(request_.path, request_.method, data=data, headers=headers), 413)


@pytest.mark.parametrize("request_", WITH_BODY, ids=named)
@pytest.mark.parametrize("extra", ["extra", "To", "", "žluť", "__proto__", "a.b", "x" * 300, "$", "with `ticks`"])
def test_unknown_field_is_named(extra: str, request_: Request, callers: dict[str, Program]) -> None:
    answer = callers[request_.by].open(request_.path, request_.method, json={**(request_.body or {}), extra: 1})
    is_problem(answer, 422)
    if "`" not in extra:
        assert set(answer.get_json()["errors"]) == {extra}


REQUIRED = [(request, field) for request in WITH_BODY for field in request.body or {} if field not in request.optional]


@pytest.mark.parametrize(("request_", "field"), REQUIRED, ids=str)
def test_missing_field_is_named(request_: Request, field: str, callers: dict[str, Program]) -> None:
    body = {name: value for name, value in (request_.body or {}).items() if name != field}
    is_problem(callers[request_.by].open(request_.path, request_.method, json=body), 422, field)


FIELDS = [(request, field) for request in WITH_BODY for field in request.body or {}]


@pytest.mark.parametrize(("request_", "field"), FIELDS, ids=str)
@pytest.mark.parametrize("value", [True, 1.5, {}, {"a": 1}, [[]], [None], -1, "text", None])
def test_field_of_the_wrong_type_is_named(
    value: object, request_: Request, field: str, callers: dict[str, Program]
) -> None:
    right = (request_.body or {})[field]
    is_right = (isinstance(value, str) and isinstance(right, str)) or (value is None and field in request_.optional)
    if is_right or isinstance(value, dict) or (field, value) == ("to", "text"):
        value = 7.5 if isinstance(value, dict) and not isinstance(right, dict) else 7
    if field in ("message", "post", "progress") and value == 7:
        value = 7.5
    if field in ("kinds", "systems") and value == 7:
        value = {"like": 7}
    answer = callers[request_.by].open(request_.path, request_.method, json={**(request_.body or {}), field: value})
    is_problem(answer, 422)
    assert [name.partition("[")[0] for name in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize(("request_", "field"), FIELDS, ids=str)
@pytest.mark.parametrize("text", [r"\ud800", r"\udfff", r"a\ud83d", r"\udc00\ud83d"])
def test_lone_surrogate_is_refused(text: str, request_: Request, field: str, callers: dict[str, Program]) -> None:
    value = f'["{text}"]' if field in ("badges", "seqs") else f'"{text}"'
    others = {name: item for name, item in (request_.body or {}).items() if name != field}
    data = json.dumps(others)[:-1] + (", " if others else "") + f'"{field}": {value}}}'
    answer = callers[request_.by].open(
        request_.path, request_.method, data=data, headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 422, field)


def test_lone_surrogate_in_the_name_of_a_field_is_refused(alice: Program) -> None:
    data = r'{"to": "bob", "body": "hi", "\ud800": 1}'
    is_problem(alice.post("/messages", data=data, headers={"Content-Type": "application/json"}), 422)


NUMBERS = [request for request in WITH_BODY if "upto" in (request.body or {})]


@pytest.mark.parametrize("request_", NUMBERS, ids=named)
@pytest.mark.parametrize(
    "number",
    ["-1", "9007199254740992", "9223372036854775808", "1e400", "-1e400", "1" * 5000, "1.5", '"1"', '"٣"', '""'],
)
def test_number_out_of_bounds_is_refused(number: str, request_: Request, callers: dict[str, Program]) -> None:
    data = json.dumps({**(request_.body or {}), "upto": "UPTO"}).replace('"UPTO"', number)
    answer = callers[request_.by].open(
        request_.path, request_.method, data=data, headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 422, "upto")


def nested(levels: int) -> dict[str, Any]:
    """An object of so many levels."""
    found: dict[str, Any] = {}
    for _ in range(levels - 1):
        found = {"x": found}
    return found


VALUES: list[tuple[str, dict[str, Any], int, str]] = [
    *(("/messages", {"body": body}, 422, "body") for body in ("", " ", "\n\t", "\u00a0\u2003", "x" * 4001, "a\x00b")),
    ("/messages", {"body": "🐎" * 4001}, 422, "body"),
    *(("/messages", {"to": to}, 422, "to") for to in ("alice", "ALICE", " alice")),
    *(("/posts", {"body": body}, 422, "body") for body in ("", " ", "\u00a0\u2003", "x" * 4001, "a\x00b")),
    *(("/posts/1/replies", {"body": body}, 422, "body") for body in ("", " ", "x" * 4001, "a\x00b")),
    *(("/posts", {"key": key}, 422, "key") for key in ("", "x" * 65, "a\x00b")),
    *(
        ("/messages", {"to": to}, 404, "")
        for to in ("", " ", "nobody", "a\x00b", "x" * 5000, "bob/", "🐎", "' OR 1=1 --", "b%")
    ),
    *(("/messages", {"key": key}, 422, "key") for key in ("", "x" * 65, "a\x00b", "🐎" * 65)),
    *(("/messages/read", {"with": who}, 404, "") for who in ("", "nobody", "a\x00b", "x" * 5000, "1")),
    ("/messages/read", {"with": "alice"}, 422, "with"),
    *(("/messages/typing", {"to": to}, 404, "") for to in ("", "nobody", "a\x00b", "x" * 5000, "🐎")),
    *(("/messages/typing", {"to": to}, 422, "to") for to in ("alice", "ALICE")),
    ("/messages/read", {"upto": 10**15}, 422, "upto"),
    *(
        ("/badges/seen", {"badges": badges}, 422, "badges")
        for badges in (["messages"], ["nothing"], [""], ["likes", "LIKES"], ["a\x00"], ["x" * 5000])
    ),
    ("/badges/seen", {"upto": 10**15}, 422, "upto"),
    *(("/reports", {"user": user}, 404, "") for user in ("", "nobody", "a\x00b", "x" * 5000)),
    *(("/reports", {"reason": reason}, 422, "reason") for reason in ("", " \n", "x" * 1001, "a\x00b")),
    *(("/reports", {"message": number}, 404, "") for number in (2, 99, 10**15)),
    *(("/reports", {"message": None, "post": number}, 404, "") for number in (99, 10**15)),
    ("/reports", {"message": 0}, 422, "message"),
    ("/reports", {"post": 1}, 422, "post"),
    ("/reports", {"user": "alice"}, 422, "user"),
    *(("/auth/tokens", {"label": label}, 422, "label") for label in ("x" * 101, "a\x00b")),
    ("/notifications/seen", {"seqs": [10**15], "upto": None}, 422, "seqs"),
    ("/notifications/seen", {"seqs": [0], "upto": None}, 422, "seqs[0]"),
    ("/notifications/seen", {"seqs": [], "upto": None}, 422, "seqs"),
    ("/notifications/seen", {"seqs": [1] * 5000, "upto": 10**15}, 422, "upto"),
    *(("/tasks", {"kind": kind}, 422, "kind") for kind in ("", "nothing", "a\x00b", "x" * 5000, "Report")),
    *(("/tasks", {"params": params}, 422, "params.month") for params in ({}, {"month": 3}, {"month": None})),
    ("/tasks", {"params": {"month": "x", "year": 1}}, 422, "params.year"),
    *(("/tasks", {"params": {"month": month}}, 422, "params") for month in ("a\x00b", "x" * 17_000)),
    *(("/tasks", {"key": key}, 422, "key") for key in ("", "x" * 65, "a\x00b")),
    *(("/api/notifications", {"to": to}, 422, "to") for to in ([], ["bob"] * 0, [f"u{n}" for n in range(1001)])),
    *(
        ("/api/notifications", {"title": title}, 422, "title")
        for title in ("", " ", "\u00a0", "x" * 201, "a\x00b", "🐎" * 201)
    ),
    *(("/api/notifications", {"body": body}, 422, "body") for body in ("x" * 4001, "a\x00b")),
    *(
        ("/api/notifications", {"url": url}, 422, "url")
        for url in (
            *(
                "javascript:alert(1)",
                "JavaScript:x",
                "data:text/html,x",
                "//evil.example",
                "/\\evil.example",
                "x",
                " /",
            ),
            *("http://", "https:///x", "/a b", "/a\nb", "ftp://x", "http:/x", "/\x00", "/" * 2001, "vbscript:x", "?x"),
        )
    ),
    *(
        ("/api/notifications", {"badge": badge}, 422, "badge")
        for badge in ("", "Orders", "1a", "a b", "messages", "likes", "x" * 33, "ö", "-a", "a_b", "a'")
    ),
    *(
        ("/api/notifications", {"data": data}, 422, "data")
        for data in ({"x": "y" * 9000}, {"a": "\x00"}, {"\x00": 1}, nested(33), nested(700))
    ),
    *(("/api/notifications", {"key": key}, 422, "key") for key in ("", "x" * 65, "a\x00b")),
    *(("/api/announcements", {"title": title}, 422, "title") for title in ("", " ", "x" * 201, "a\x00b")),
    ("/api/announcements", {"url": "javascript:x"}, 422, "url"),
    ("/api/announcements", {"key": ""}, 422, "key"),
    *(("/api/tickets", {"user": user}, 404, "user") for user in ("", "bob", "nobody", "a\x00b", "x" * 5000)),
]


@pytest.mark.parametrize(("path", "wrong", "status", "field"), VALUES, ids=lambda value: repr(value)[:40])
def test_value_that_breaks_the_rules_is_refused(
    path: str, wrong: dict[str, Any], status: int, field: str, callers: dict[str, Program]
) -> None:
    request = next(request for request in WITH_BODY if request.path == path)
    answer = callers[request.by].post(path, {**(request.body or {}), **wrong})
    is_problem(answer, status, *([field] if field else []))


@pytest.mark.parametrize("name", ["", "a b", "x" * 33, "%00", "-a", "%F0%9F%90%8E", "alice", "ALICE"])
def test_user_of_a_system_that_cannot_be_is_refused(name: str, callers: dict[str, Program]) -> None:
    answer = callers["shop"].put(f"/api/users/{name}", {})
    assert answer.status_code == (404 if not name else 409 if name.lower() == "alice" else 422), answer.text


@pytest.mark.parametrize("shown", [" ", "x" * 65, "a\x00b", "bob", "Alice", "\u202e"])
def test_display_name_that_cannot_be_is_refused(shown: str, callers: dict[str, Program]) -> None:
    is_problem(callers["shop"].put("/api/users/zoe", {"display_name": shown}), 422, "display_name")
    is_problem(callers["shop"].put("/api/users/new", {"display_name": shown}), 422, "display_name")


# -- query parameters

WHOLE = (
    "",
    "-1",
    "x",
    "1.5",
    "1e3",
    "0x10",
    "٣",
    "３",
    " 1",
    "+1",
    "1 ",
    "1_0",
    "\x00",
    "1\x00",
    "1" * 40,
    "1,2",
    "null",
)
QUERIES: list[tuple[str, str, tuple[str, ...]]] = [
    ("/messages/poll", "seq", (*WHOLE, "9007199254740992")),
    ("/messages/poll", "limit", (*WHOLE, "0", "501")),
    ("/messages/poll", "epoch", ("x" * 201, "\x00")),
    ("/messages/long-poll", "seq", (*WHOLE, "9007199254740992")),
    ("/messages/stream", "seq", (*WHOLE, "9007199254740992")),
    ("/messages/stream", "epoch", ("x" * 201, "\x00")),
    ("/messages/stream", "watch", (",".join(f"t{n}" for n in range(51)), "x" * 4001, "\x00")),
    ("/messages/poll", "have", (*WHOLE, "9007199254740992")),
    ("/messages/long-poll", "have", (*WHOLE, "9007199254740992")),
    ("/messages/stream", "have", (*WHOLE, "9007199254740992")),
    ("/messages/poll", "watch", (",".join(f"t{n}" for n in range(51)), "x" * 4001, "\x00")),
    (
        "/messages/long-poll",
        "timeout",
        ("", "-1", "51", "50.1", "x", "1e1", "nan", "inf", "٣", "1.", ".5", "1,5", "9" * 40),
    ),
    ("/messages/long-poll", "epoch", ("x" * 201, "\x00")),
    ("/messages/with/bob", "before", (*WHOLE, "9007199254740992")),
    ("/messages/with/bob", "limit", (*WHOLE, "0", "501")),
    ("/users", "limit", (*WHOLE, "0", "101")),
    ("/notifications", "before", (*WHOLE, "9007199254740992")),
    ("/notifications", "limit", (*WHOLE, "0", "501")),
    ("/tasks", "before", (*WHOLE, "9007199254740992")),
    ("/tasks", "limit", (*WHOLE, "0", "101")),
    ("/users", "q", ("x" * 201, "\x00", "a\x00b")),
]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [(path, name, value) for path, name, values in QUERIES for value in values],
    ids=lambda value: repr(value)[:30],
)
def test_wrong_query_parameter_is_named(path: str, name: str, value: str, alice: Program) -> None:
    is_problem(alice.get(f"{path}?{name}={quote(value)}"), 422, name)


@pytest.mark.parametrize("path", ["/messages/poll", "/messages/long-poll", "/messages/stream"])
@pytest.mark.parametrize("have", ["1,2,3", "1,2,3,4", "1,", ",", "1,x", "1,,2", "1,-2", "1,9007199254740992", "1, 2"])
def test_versions_that_are_not_one_for_each_topic_are_refused(have: str, path: str, alice: Program) -> None:
    is_problem(alice.get(f"{path}?watch=presence:bob,typing:bob&have={quote(have)}"), 422, "have")


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, name, _values in QUERIES])
def test_doubled_query_parameter_is_named(path: str, name: str, alice: Program) -> None:
    is_problem(alice.get(f"{path}?{name}=1&{name}=1"), 422, name)


@pytest.mark.parametrize("query", ["%FF", "seq=%FF", "seq=%ED%A0%80", "%00=1", "=", "&&", "seq", "a" * 3000])
def test_malformed_query_is_never_more_than_a_422(query: str, alice: Program) -> None:
    answer = alice.get(f"/messages/poll?{query}")
    assert answer.status_code in (200, 422)


# -- paths

NAMES = ["nobody", "%00", "b%00b", "%FF", "%F0%9F%90%8E", "x" * 5000, "%2e%2e", "bo%25", "b_b", "%20", "'--", "1"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/users/", "/messages/with/"])
def test_unknown_person_is_not_found(path: str, name: str, alice: Program) -> None:
    is_problem(alice.get(path + name), 404)


IDS = [
    "0",
    "-1",
    "2",
    "99999999",
    "9" * 18,
    "9" * 30,
    "x",
    "1.5",
    "٣",
    "%D9%A3",
    "%00",
    "1%20",
    "+1",
    "1e0",
    "ALL",
    "All",
]


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize("path", ["/auth/tokens/", "/auth/sessions/"])
def test_number_that_is_not_ones_own_is_not_found(path: str, number: str, site: Site, alice: Program) -> None:
    if number == "2" and "tokens" in path:  # Bob's
        assert any(row[0] == 2 and row[1] == 2 for row in site.rows("tokens"))
    is_problem(alice.delete(path + number), 404)


@pytest.mark.parametrize("number", [number for number in IDS if number != "2"])
def test_message_that_does_not_exist_is_not_found(number: str, alice: Program) -> None:
    is_problem(alice.delete(f"/messages/{number}"), 404)


@pytest.mark.parametrize("number", IDS)
def test_announcement_that_is_not_ones_own_is_not_found(number: str, callers: dict[str, Program]) -> None:
    is_problem(callers["shop"].get(f"/api/announcements/{number}"), 404)


@pytest.mark.parametrize(
    "path", ["/nothing", "/messages/", "/auth", "/auth/", "/users/bob/x", "/%00", "/%FF", "/🐎", "/.env"]
)
def test_address_that_does_not_exist_is_not_found(path: str, alice: Program, site: Site) -> None:
    is_problem(alice.get(path), 404)
    is_problem(site.guest().get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/messages"),
        ("PUT", "/messages"),
        ("DELETE", "/messages"),
        ("POST", "/messages/poll"),
        ("POST", "/messages/long-poll"),
        ("POST", "/messages/conversations"),
        ("GET", "/messages/read"),
        ("DELETE", "/messages/with/bob"),
        ("POST", "/badges"),
        ("GET", "/badges/seen"),
        ("POST", "/users"),
        ("PATCH", "/users/bob"),
        ("GET", "/auth/logout"),
        ("GET", "/auth/ticket"),
        ("POST", "/auth/me"),
        ("GET", "/auth/tokens/1"),
        ("POST", "/auth/sessions"),
        ("POST", "/ws"),
        ("POST", "/healthz"),
        ("TRACE", "/messages"),
        ("BREW", "/messages"),
    ],
)
def test_method_that_does_not_exist_is_told_which_do(method: str, path: str, alice: Program) -> None:
    answer = alice.open(path, method, json={})
    is_problem(answer, 405)
    assert answer.headers["Allow"]


# -- forms of pages


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/chats/bob", {}, 422),
        ("/chats/bob", {"body": ""}, 422),
        ("/chats/bob", {"body": " \r\n "}, 422),
        ("/chats/bob", {"body": "x" * 4001}, 422),
        ("/chats/bob", {"body": "a\x00b"}, 422),
        ("/chats/bob", {"body": "hi", "key": "x" * 65}, 422),
        ("/chats/bob", {"body": "hi", "upto": "999999"}, 422),
        ("/chats/bob", {"body": "hi", "upto": "x"}, 422),
        ("/chats/nobody", {"body": "hi"}, 404),
        ("/chats/alice", {"body": "hi"}, 422),
        ("/chats/bob", {"body": "x" * 70_000}, 413),
        ("/chats/bob/read", {"upto": "999999"}, 422),
        ("/chats/bob/read", {"upto": "-1"}, 422),
        ("/chats/bob/read", {"upto": "x"}, 422),
        ("/chats/bob/read", {"upto": "٣"}, 422),
        ("/chats/bob/read", {"upto": "9" * 16}, 422),
        ("/chats/bob/read", {"upto": "9" * 40}, 422),
        ("/chats/nobody/read", {"upto": "1"}, 404),
        ("/chats/alice/read", {"upto": "1"}, 422),
        ("/chats/bob/read", {}, 303),
        ("/chats/bob/read", {"upto": "0"}, 303),
        ("/account/tokens", {"label": "x" * 101}, 303),
        ("/account/tokens", {"label": "a\x00b"}, 303),
        ("/account/tokens/2/revoke", {}, 303),  # there is none: as was wished
        ("/account/tokens/x/revoke", {}, 303),
        ("/account/sessions/99/end", {}, 303),
        ("/account/sessions/x/end", {}, 303),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_form_that_is_wrong_is_answered_with_a_page(
    path: str, fields: dict[str, str], status: int, alices_browser: Browser
) -> None:
    answer = alices_browser.submit(path, **fields)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize("path", ["/chats/bob", "/posts/new", "/reports/new?user=bob", "/auth/login"])
@pytest.mark.parametrize("value", [3, True, ["x"], {"x": 2**63}], ids=repr)
def test_what_is_no_text_is_no_field_of_a_form(value: object, path: str, alices_browser: Browser) -> None:
    for said in (dict.fromkeys(("body", "key", "upto", "reason"), value), value):
        answer = alices_browser.post(path, said, headers=HTML)
        assert (answer.status_code, answer.mimetype) == (422, "text/html")


@pytest.mark.parametrize(
    "path", ["/chats/bob", "/posts/new", "/posts/1/reply", "/reports/new?user=bob", "/account/password"]
)
def test_file_is_no_text_of_a_form(path: str, alices_browser: Browser) -> None:
    fields = ("body", "key", "upto", "reason", "current_password", "new_password")
    files = {name: (io.BytesIO(b"hello"), "hello.txt") for name in fields}
    data = {"csrf_token": alices_browser.csrf, **files}
    answer = alices_browser.client.post(path, data=data, headers=HTML)
    assert (answer.status_code, answer.mimetype) == (422, "text/html")


@pytest.mark.parametrize("value", ["x", "-1", "", "٣", "9" * 40, "1&before=2"])
def test_page_with_a_wrong_query_is_refused_with_a_page(value: str, alices_browser: Browser) -> None:
    answer = alices_browser.get(f"/chats/bob?before={value}", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (422, "text/html")


@pytest.mark.parametrize("query", ["\xff", "\xed\xa0\x80", "\xe4\xb8\xad\xff&%FF"], ids=ascii)
@pytest.mark.parametrize("path", ["/", "/posts", "/posts/1", "/notifications", "/search", "/chats/bob", "/reports/new"])
def test_page_opens_whatever_bytes_are_in_its_query(path: str, query: str, site: Site, alices_browser: Browser) -> None:
    environ = {"QUERY_STRING": f"user=bob&x={query}"}  # its bytes as latin-1: PEP 3333
    assert alices_browser.client.get(path, headers=HTML, environ_overrides=environ).status_code == 200
    answer = site.guest().client.get(path, headers=HTML, environ_overrides=environ)
    assert answer.status_code == 302
    assert answer.headers["Location"].isascii()


@pytest.mark.parametrize("path", ["/messages/poll", "/posts", "/users", "/search", "/posts/1/replies"])
def test_whatever_bytes_are_in_a_query_it_is_read(path: str, alice: Program) -> None:
    for query, status in (("q=a&x=\xff", 200), ("q=a&limit=\xff", 422), ("q=a&limit=\xed\xa0\x80", 422)):
        assert alice.get(path, environ_overrides={"QUERY_STRING": query}).status_code == status


@pytest.mark.parametrize(("path", "status"), [("/chats/nobody", 404), ("/chats/alice", 422), ("/chats/%00", 404)])
def test_page_of_a_conversation_that_cannot_be_is_refused(path: str, status: int, alices_browser: Browser) -> None:
    answer = alices_browser.get(path, headers=HTML)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
