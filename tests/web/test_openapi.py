"""The description of the application's endpoints: all that answer JSON are in it, and it is OpenAPI."""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest
from openapi_spec_validator import validate

from myapp.access import STATIC
from myapp.errors import Invalid
from myapp.notifications.content import check
from myapp.openapi.description import description_of
from myapp.openapi.operations import BY_ITSELF, operations, path_of

from .conftest import HTML, Site, open_site

#: What a view calls that answers JSON or reads it, and what one calls that shows a page or leads to one.
OF_JSON = {"answer", "answer_text", "no_content", "read_json", "ParkedStream"}
OF_PAGES = {"render_template", "redirect"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, empty_database: Any) -> Iterator[Site]:
    yield from open_site(tmp_path_factory.mktemp("openapi"), empty_database)


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.guest().get("/openapi.json").get_json()
    return found


def globals_of(code: CodeType) -> set[str]:
    """The global names in a function's code, also in what is defined within it."""
    own = {found.argval for found in dis.get_instructions(code) if found.opname == "LOAD_GLOBAL"}
    return own.union(*(globals_of(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def names_used(view: Callable[..., Any], seen: set[CodeType]) -> set[str]:
    """The global names that a view uses, and those that the functions of ours use which it calls by them."""
    view = inspect.unwrap(view)
    code = getattr(view, "__code__", None)
    if code is None or code in seen or not (view.__module__ or "").startswith("myapp"):
        return set()
    seen.add(code)
    names = globals_of(code)
    called = [view.__globals__.get(name) for name in names]
    return names.union(*(names_used(one, seen) for one in called if callable(one)))


def routes(site: Site) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Method, path and view of each route of the application's own."""
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint not in STATIC:
            for method in (rule.methods or {"GET"}) - BY_ITSELF:
                yield method, path_of(rule), site.app.view_functions[rule.endpoint]


def test_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_that_answers_json_is_described(site: Site) -> None:
    """Whoever adds one writes `@describe(...)` over its view; docs/architecture.md tells how."""
    known = {(one.method, one.path) for one in operations(site.app)}
    missing = [
        f"{method} {path} ({view.__module__}.{view.__name__}): describe it with @describe over the view"
        for method, path, view in routes(site)
        if (method, path) not in known and names_used(view, set()) & OF_JSON
    ]
    assert not missing, "\n".join(missing)


def test_what_is_not_described_is_a_page(site: Site) -> None:
    known = {(one.method, one.path) for one in operations(site.app)}
    others = [
        f"{method} {path} ({view.__module__}.{view.__name__}) shows no page: describe it with @describe over the view"
        for method, path, view in routes(site)
        if (method, path) not in known and not names_used(view, set()) & OF_PAGES
    ]
    assert not others, "\n".join(others)


def test_every_view_that_is_described_has_a_route(site: Site) -> None:
    routed = {id(description_of(view)) for view in site.app.view_functions.values()}
    lost = [
        f"{module}.{name} is described, and no route leads to it"
        for module, found in list(sys.modules.items())
        if module.startswith("myapp.")
        for name, view in vars(found).items()
        if inspect.isfunction(view) and description_of(view) is not None and id(description_of(view)) not in routed
    ]
    assert not lost, "\n".join(lost)


def test_operations_have_different_ids(document: dict[str, Any]) -> None:
    ids = [found["operationId"] for path in document["paths"].values() for found in path.values()]
    assert len(ids) == len(set(ids)) > 20


def test_every_tag_is_explained(document: dict[str, Any]) -> None:
    assert [tag["name"] for tag in document["tags"] if not tag["description"]] == []


def test_every_shape_says_what_it_is(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    silent = [name for name, schema in schemas.items() if "description" not in schema and "anyOf" not in schema]
    assert silent == []


@pytest.mark.parametrize(
    "kind", ["message", "read", "seen", "like", "dislike", "reply", "task", "notification", "announcement", "deleted"]
)
def test_every_kind_of_event_has_its_schema(kind: str, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    reference = schemas["Event"]["discriminator"]["mapping"][kind]
    event = schemas[reference.rpartition("/")[2]]
    assert event["properties"]["kind"] == {"enum": [kind]}
    assert set(event["required"]) == {"kind", "seq", "at", "data"}


@pytest.mark.parametrize("kind", ["hello", "events", "new", "snapshot", "pong", "reset", "error"])
def test_every_frame_of_the_server_has_its_schema(kind: str, document: dict[str, Any]) -> None:
    assert kind in document["components"]["schemas"]["ServerFrame"]["discriminator"]["mapping"]


@pytest.mark.parametrize("name", ["Badges", "Problem", "Snapshot", "ClientFrame", "StreamClose"])
def test_what_clients_need_has_a_name(name: str, document: dict[str, Any]) -> None:
    assert name in document["components"]["schemas"]


def test_what_can_be_marked_as_seen_are_badges_of_ones_own_too_but_not_messages(document: dict[str, Any]) -> None:
    names = document["components"]["schemas"]["SeenRequest"]["properties"]["badges"]["items"]
    asked = ("likes", "orders", "messages", "messages-2", "Orders")
    assert [name for name in asked if re.search(names["pattern"], name)] == ["likes", "orders", "messages-2"]
    assert names.keys().isdisjoint({"enum", "const"})


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("url", ("/", "/orders/17", "HTTPS://shop.example/x"), ("//evil.example", "/\\evil.example", "http:///x", "x")),
        ("badge", ("orders", "notifications", "likes-2"), ("likes", "Orders", "2nd", "x" * 33)),
    ],
)
def test_what_a_system_may_send_is_described_by_the_rule_that_it_is_held_to(
    field: str, good: tuple[str, ...], bad: tuple[str, ...], document: dict[str, Any]
) -> None:
    schema = document["components"]["schemas"]["NotificationRequest"]["properties"][field]
    [pattern] = [kind["pattern"] for kind in schema["anyOf"] if "pattern" in kind]
    for text in (*good, *bad):
        try:
            check("Hi", **{field: text})
        except Invalid:
            assert text in bad
        else:
            assert text in good
        assert bool(re.search(pattern, text)) == (text in good)


def test_document_is_asked_for_again_by_its_etag(site: Site) -> None:
    first = site.guest().get("/openapi.json")
    again = site.guest().get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "no-cache"


def test_document_says_where_the_application_is(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": "/"}]
    below = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/chat"})
    assert below.get_json()["servers"] == [{"url": "/chat"}]


def test_document_is_made_once(site: Site) -> None:
    kept = site.app.extensions["myapp_openapi"]
    assert kept.document is kept.document
    for number in range(40):  # whatever a header says of the root, little is kept for it
        assert kept.text(f"/{number}")[0]
    assert len(kept._texts) <= 8


# -- the page


@pytest.fixture(scope="module")
def page(site: Site) -> str:
    answer = site.guest().get("/docs/api", headers=HTML)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text


def test_page_shows_every_operation_and_every_shape(page: str, document: dict[str, Any]) -> None:
    ids = [found["operationId"] for path in document["paths"].values() for found in path.values()]
    ids += [f"schema-{name}" for name in document["components"]["schemas"]]
    assert [name for name in ids if page.count(f'id="{name}"') != 1] == []


def test_links_within_the_page_lead_somewhere(page: str) -> None:
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert {name for name in targets if f'id="{name}"' not in page} == set()


def test_page_has_a_command_for_each_operation_with_its_own_address(page: str, site: Site) -> None:
    commands = re.findall(r"<pre[^>]*><code>(curl.*?)</code>", page, re.DOTALL)
    assert len(commands) == len(list(operations(site.app)))
    assert all("http://localhost/" in command for command in commands)
    assert "$ADDRESS" not in page


def test_page_asks_nobody_else_for_anything(page: str) -> None:
    addresses = re.findall(r'(?:src|href|action)="([^"]+)"', page)
    assert [address for address in addresses if not address.startswith(("/", "#", "http://localhost/"))] == []


def test_page_leads_to_the_document_below_the_root_that_was_asked_for(site: Site) -> None:
    client = site.app.test_client()
    for root in ("/chat", ""):
        page = client.get("/docs/api", headers=HTML, environ_overrides={"SCRIPT_NAME": root}).text
        assert f'href="http://localhost{root}/openapi.json"' in page


def test_page_is_in_the_reader_s_language_and_its_descriptions_are_marked_as_english(site: Site) -> None:
    chinese = site.guest().get("/docs/api", headers={**HTML, "Accept-Language": "zh-CN"}).text
    assert "谁可以请求" in chinese
    assert '<span lang="en">Send a message</span>' in chinese
    english = site.guest().get("/docs/api", headers={**HTML, "Accept-Language": "en"}).text
    assert "Who may ask" in english


def test_a_host_that_is_no_host_is_only_text(site: Site) -> None:
    answer = site.guest().get("/docs/api", headers={**HTML, "Host": "x'$(id)\"><script>"})
    assert '<script>"' not in answer.text and '$(id)"><script>' not in answer.text


def test_every_page_leads_to_it(site: Site) -> None:
    for path in ("/auth/login", "/nowhere"):
        assert 'href="/docs/api"' in site.guest().get(path, headers=HTML).text
