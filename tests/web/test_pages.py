"""Pages: they render under their Content-Security-Policy, and say where their data stands."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import myapp
from myapp.assets import version_of

from ..support import PASSWORD
from .conftest import HTML, Browser, Site

#: Elements that have no end tag (HTML standard, 13.1.2).
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """A page's elements; what is not nested rightly, or would not run under the policy, is a complaint."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.complaints: list[str] = []
        self._open: list[str] = []
        self._script = ""
        self.feed(text)
        self.close()
        self.complaints.extend(f"<{tag}> is not closed" for tag in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if len(values) != len(attrs):
            self.complaints.append(f"<{tag}> has an attribute twice")
        for name, value in values.items():
            if name.startswith("on"):
                self.complaints.append(f"<{tag} {name}>: an inline handler")
            if name == "style":
                self.complaints.append(f"<{tag} style>: an inline style")
            if value.strip().lower().startswith("javascript:"):
                self.complaints.append(f"<{tag} {name}={value!r}>")
        if tag == "style":
            self.complaints.append("<style>: an inline style")
        if tag == "script" and "src" not in values and values.get("type") != "application/json":
            self.complaints.append("<script>: an inline script")
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//", values.get(name, "")):
                self.complaints.append(f"<{tag} {name}={values[name]!r}>: another site")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.complaints.append(f"</{tag}> closes something else")

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [values for name, values in self.elements if name == tag and wanted.items() <= values.items()]


NASTY = "</script><script>alert(1)</script> \"quoted\" 'too' & <b>bold</b> {{ 7*7 }} {% raw %}"


@pytest.fixture
def alice(site: Site) -> Browser:
    """Alice, who has had messages, has tokens, and has read some."""
    browser = site.browser("alice")
    bob, carol = site.programs("bob", "carol")
    for number in range(60):
        bob.send("alice", f"m{number} {NASTY}")
    carol.send("alice", NASTY)
    browser.post("/messages", {"to": "bob", "body": f"answer {NASTY}"})
    browser.post("/messages/read", {"with": "carol", "upto": 61})
    browser.post("/auth/tokens", {"label": NASTY[:90]})
    return browser


PAGES = [
    ("/", 200),
    ("/?q=b", 200),
    ("/?q=nobody-there", 200),
    ("/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200),
    ("/chats/bob", 200),
    ("/chats/bob?before=30", 200),
    ("/chats/carol", 200),
    ("/messages/62/delete", 200),
    ("/reports/new?message=1", 200),
    ("/reports/new?user=carol", 200),
    ("/account", 200),
    ("/auth/login", 200),
    ("/auth/register", 200),
    ("/nothing", 404),
    ("/chats/nobody", 404),
    ("/chats/alice", 422),
]


@pytest.mark.parametrize(("path", "status"), PAGES)
def test_page_renders_under_its_policy_without_inline_script_or_style(path: str, status: int, alice: Browser) -> None:
    for browser in (alice, alice.__class__(alice.client.application)):
        answer = browser.get(path, headers=HTML)
        if answer.status_code == 302:  # who is not signed in
            continue
        assert answer.status_code == status, answer.text
        page = Page(answer.text)
        assert page.complaints == []
        assert len(page.find("title")) == len(page.find("main")) == 1
        assert "alert(1)</script>" not in answer.text
        assert "49" not in re.findall(r"&amp; &lt;b&gt;bold&lt;/b&gt; (\S+)", answer.text)


@pytest.mark.parametrize(("path", "status"), PAGES)
def test_page_forbids_what_it_does_not_need(path: str, status: int, alice: Browser) -> None:
    headers = alice.get(path, headers=HTML).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/chats/bob", "/account"])
def test_page_carries_the_cursor_and_epoch_that_its_data_stands_at(path: str, alice: Browser) -> None:
    page = Page(alice.get(path, headers=HTML).text)
    now = alice.get("/messages/poll").get_json()
    (body,) = page.find("body")
    assert (body["data-seq"], body["data-epoch"]) == (str(now["latest"]), now["epoch"])
    (badge,) = page.find("span", data_badge="messages")
    assert "hidden" not in badge


def test_page_shows_the_badges_as_they_are(alice: Browser) -> None:
    text = alice.get("/", headers=HTML).text
    found = re.search(r'data-badge="messages"[^>]*>(\d+)<', text)
    assert found
    assert int(found[1]) == alice.get("/badges").get_json()["badges"]["messages"] == 60
    assert "<title>(60)" in text


def test_every_form_that_changes_something_carries_the_csrf_token(alice: Browser) -> None:
    for path in ("/", "/chats/bob", "/account", "/messages/62/delete", "/reports/new?message=1"):
        text = alice.get(path, headers=HTML).text
        forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S)
        assert forms
        assert all('name="csrf_token"' in form for form in forms)


def test_every_link_and_form_leads_to_a_page_that_exists(alice: Browser) -> None:
    adapter = alice.client.application.url_map.bind("localhost")
    for path, _status in PAGES:
        page = Page(alice.get(path, headers=HTML).text)
        for tag, name, method in (("a", "href", "GET"), ("form", "action", ""), ("link", "href", "GET")):
            for element in page.find(tag):
                target = element.get(name, "")
                if target and not target.startswith(("#", "?", "data:")):
                    used = method or element.get("method", "get").upper()
                    adapter.match(target.partition("?")[0].partition("#")[0], method=used)


def test_every_link_and_form_stays_below_the_applications_root(alice: Browser) -> None:
    post = alice.post("/posts", {"body": "@bob: see /posts"}).get_json()["id"]
    more = ["/posts", f"/posts/{post}", "/posts?before=1", "/search?q=m1", "/notifications"]
    for path in (*(path for path, _status in PAGES), *more):
        answer = alice.get(path, headers=HTML, environ_overrides={"SCRIPT_NAME": "/live"})
        for tag, values in Page(answer.text).elements:
            for name in ("href", "src", "action"):
                target = values.get(name, "")
                assert not target.startswith("/") or target.startswith("/live/"), f"{path}: <{tag} {name}={target}>"


def test_every_label_belongs_to_a_field(alice: Browser) -> None:
    for path in ("/", "/chats/bob", "/account", "/reports/new?user=bob", "/auth/login", "/auth/register"):
        page = Page(alice.get(path, headers=HTML).text)
        ids = [values["id"] for _tag, values in page.elements if "id" in values]
        assert len(ids) == len(set(ids)), "an id is there twice"
        assert {values["for"] for values in page.find("label") if "for" in values} <= set(ids)


# -- without JavaScript


def test_message_is_sent_by_the_form(alice: Browser) -> None:
    text = alice.page("/chats/bob")
    key = re.search(r'name="key"[^>]*value="([^"]+)"', text)
    upto = re.search(r'id="upto"[^>]*value="([^"]*)"', text)
    assert key
    assert upto
    answer = alice.submit("/chats/bob", body="first\r\nsecond", key=key[1], upto=upto[1])
    assert (answer.status_code, answer.location) == (303, "/chats/bob")
    newest = alice.get("/messages/with/bob?limit=1").get_json()["messages"][0]
    assert newest["body"] == "first\nsecond"
    # what the page showed is read
    assert alice.get("/badges").get_json()["badges"]["messages"] == 0


def test_form_submitted_twice_sends_one_message(alice: Browser) -> None:
    text = alice.page("/chats/bob")
    key = re.search(r'name="key"[^>]*value="([^"]+)"', text)
    assert key
    before = alice.get("/messages/poll").get_json()["latest"]
    for _ in range(2):
        assert alice.submit("/chats/bob", body="once", key=key[1]).status_code == 303
    assert alice.get("/messages/poll").get_json()["latest"] == before + 1


def test_refused_message_is_given_back_in_the_form(alice: Browser) -> None:
    alice.page("/chats/bob")
    body = "too long " * 600
    answer = alice.submit("/chats/bob", body=body)
    assert answer.status_code == 422
    assert "too long too long" in answer.text
    assert "at most 4000" in answer.text
    assert Page(answer.text).complaints == []


def test_message_whose_mark_is_refused_is_not_sent_either(site: Site) -> None:
    """All of a form counts, or nothing: sent again, the message would be there twice."""
    browser = site.browser("alice")
    site.people.add("bob")
    browser.page("/chats/bob")
    before = site.stored()
    answer = browser.submit("/chats/bob", body="hi", upto="99")
    assert answer.status_code == 422
    assert site.stored() == before


def test_messages_are_marked_as_read_by_the_form(alice: Browser) -> None:
    text = alice.page("/chats/bob")
    upto = re.search(r'id="mark-read".*?name="upto" value="(\d+)"', text, re.S)
    assert upto
    assert alice.submit("/chats/bob/read", upto=upto[1]).status_code == 303
    assert alice.get("/badges").get_json()["badges"]["messages"] == 0
    assert "mark-read" not in alice.page("/chats/bob")


def test_older_messages_are_a_link_away(alice: Browser) -> None:
    alice.post("/messages/read", {"with": "bob", "upto": 62})
    text = alice.page("/chats/bob")
    assert "answer " in text
    assert ">m0 " not in text
    more = re.search(r'href="(/chats/bob\?before=\d+)"', text)
    assert more
    assert "m0 " in alice.page(more[1])


def test_people_are_found_on_the_page(alice: Browser) -> None:
    text = alice.page("/?q=car")
    assert re.search(r'href="/chats/carol"', text.partition("People")[2].partition("Conversations")[0])


def test_token_is_made_and_revoked_on_the_page(site: Site) -> None:
    browser = site.browser("alice")
    browser.page("/account")
    answer = browser.submit("/account/tokens", label="backup")
    assert answer.status_code == 200
    token = re.search(r"myapp_[A-Za-z0-9_-]+", answer.text)
    assert token
    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert site.guest().get("/auth/me", headers=bearer).status_code == 200
    page = browser.page("/account")
    assert token[0] not in page
    revoke = re.search(r'action="(/account/tokens/\d+/revoke)"', page)
    assert revoke
    assert browser.submit(revoke[1]).status_code == 303
    assert site.guest().get("/auth/me", headers=bearer).status_code == 401


def test_session_is_ended_on_the_page(site: Site) -> None:
    browser = site.browser("alice")
    other = Browser(site.app, "alice").sign_in()
    page = browser.page("/account")
    ends = re.findall(r'action="(/account/sessions/\d+/end)"', page)
    assert len(ends) == 2
    (number,) = [s["id"] for s in browser.get("/auth/sessions").get_json()["sessions"] if not s["current"]]
    assert browser.submit(f"/account/sessions/{number}/end").status_code == 303
    assert other.get("/auth/me").status_code == 401
    assert browser.get("/auth/me").status_code == 200


def test_mistakes_in_the_form_are_shown_beside_their_field(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/register")
    answer = browser.submit("/auth/register", username="not a name", password=PASSWORD)
    page = Page(answer.text)
    assert page.complaints == []
    (field,) = page.find("input", name="username")
    assert field["aria-invalid"] == "true"
    ids = {values.get("id") for _tag, values in page.elements}
    assert set(field["aria-describedby"].split()) <= ids
    assert field["value"] == "not a name"


# -- files


def test_scripts_and_styles_are_served_with_their_types(site: Site) -> None:
    for path, kind in (("/static/live.js", "text/javascript"), ("/static/style.css", "text/css")):
        answer = site.guest().get(path, buffered=True)
        assert (answer.status_code, answer.mimetype) == (200, kind)


def test_files_are_named_by_a_version_under_which_a_browser_may_keep_them(site: Site) -> None:
    page = site.guest().get("/auth/login", headers=HTML).text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) > 30
    for address in addresses:
        assert re.match(r"/static/~[0-9a-f]{12}/", address)
        answer = site.guest().get(address, buffered=True)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_browser_that_has_a_file_does_not_ask_again_after_a_new_cookie(site: Site) -> None:
    page = site.guest().get("/auth/login", headers=HTML).text
    for address in (*re.findall(r'(?:href|src)="(/static/[^"]+)"', page)[:3], "/static/embed.js"):
        answer = site.guest().get(address, headers={"Cookie": "zone=UTC"}, buffered=True)
        assert "public" in answer.headers["Cache-Control"]
        assert "Vary" not in answer.headers
        assert "Set-Cookie" not in answer.headers


def test_a_page_from_before_a_change_gets_the_files_of_now_and_does_not_keep_them(site: Site) -> None:
    answer = site.guest().get("/static/~0123456789ab/live.js", buffered=True)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.get_data() == (Path(myapp.__file__).parent.parent / "static/live.js").read_bytes()


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    seen = set()
    for name, text in (("a/x.js", "1"), ("a/x.js", "2"), ("x.js", "2"), ("a/y.js", "")):
        (tmp_path / name).write_text(text)
        seen.add(version_of(tmp_path))
    assert len(seen) == 4
    assert version_of(tmp_path) in seen


@pytest.mark.parametrize("path", ["../wsgi.py", "..%2fwsgi.py", "%2e%2e/wsgi.py", "%00"])
def test_no_other_file_is_served(path: str, site: Site) -> None:
    assert site.guest().get(f"/static/{path}").status_code == 404
    assert site.guest().get(f"/static/~0123/{path}").status_code == 404


# -- files for pages of other origins


@pytest.mark.parametrize("path", ["embed.js", "embed/inbox.js", "live/cursor.js", "~0123/embed.js", "embed.css"])
def test_a_file_can_be_loaded_by_pages_of_any_origin(path: str, site: Site) -> None:
    answer = site.guest().get(f"/static/{path}", headers={"Origin": "https://shop.example"}, buffered=True)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_what_is_no_file_stays_with_its_own_origin(site: Site) -> None:
    answer = site.guest().get("/auth/login", headers={"Origin": "https://shop.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_loads_the_modules_that_it_needs_and_no_others(alice: Browser) -> None:
    static = Path(myapp.__file__).parent.parent / "static"
    for path in ("/account", "/", "/chats/bob", "/posts"):
        page = Page(alice.get(path, headers=HTML).text)
        scripts = [one["src"].partition("/live")[2] for one in page.find("script", type="module")]
        links = [one["href"].partition("/live")[2] for one in page.find("link", rel="modulepreload")]
        assert scripts.index(".js") == len(scripts) - 1, "the page's own is there when live.js looks for it"
        assert len(links) == len(set(links))
        needed = {(static / f"live{name}") for name in scripts}
        while more := {(module.parent / name).resolve() for module in needed for name in imports(module)} - needed:
            needed |= more
        assert {static / f"live{name}" for name in links} | {static / "live.js"} == needed, path


def imports(module: Path) -> list[str]:
    return re.findall(r"^(?:import|export)\b[^;]*?'(\.[^']*)';$", module.read_text(), re.M | re.S)


def test_other_applications_get_the_modules_of_now_at_an_address_that_stays(site: Site) -> None:
    answer = site.guest().get("/static/embed.js", buffered=True)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "public, max-age=300")
    assert re.fullmatch(r"~[0-9a-f]{12}/embed\.js", answer.headers["Location"]), "relative: right under any path"
    module = site.guest().get(f"/static/{answer.headers['Location']}", buffered=True)
    assert "immutable" in module.headers["Cache-Control"]
    assert "export { Inbox }" in module.text


def test_whatever_a_module_imports_is_there() -> None:
    static = Path(myapp.__file__).parent.parent / "static"
    for module in static.rglob("*.js"):
        for name in imports(module):
            assert (module.parent / name).is_file(), f"{module} imports {name}"
