"""Search over HTTP: what is found, what is never found, and what is said of a query that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from myapp.search import index
from myapp.search.query import LONGEST

from ..support import sqlite_url, wait_for
from .conftest import HTML, Browser, Program, Site, is_problem, open_site


def find(who: Program | Browser, query: str, **more: int) -> Any:
    answer = who.get("/search", query_string={"q": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def ids(who: Program | Browser, query: str) -> tuple[list[int], list[int]]:
    found = find(who, query)
    assert found["complete"]
    return [hit["id"] for hit in found["messages"]], [hit["id"] for hit in found["posts"]]


def post(who: Program, body: str, path: str = "/posts") -> int:
    answer = who.post(path, {"body": body})
    assert answer.status_code == 201, answer.text
    number: int = answer.get_json()["id"]
    return number


def snippets(page: str) -> list[str]:
    return re.findall(r'class="hit__body">(.*?)</span>', page)


def test_message_is_found_by_its_two_people_and_nobody_else(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    sent = alice.send("bob", "Träume sind Schäume")
    [hit] = find(alice, "schaume traume")["messages"]
    assert hit == {
        **{name: sent[name] for name in ("id", "from", "from_name", "avatar", "to", "at")},
        "with": "bob",
        "with_name": "bob",
        "url": f"/chats/bob?before={sent['id'] + 1}#message-{sent['id']}",
        "snippet": "<mark>Träume</mark> sind <mark>Schäume</mark>",
    }
    assert ids(bob, "trau") == ([sent["id"]], [])
    for query in ("traume", "t", "a_traume", "2_traume", "1_traume"):
        assert ids(carol, query) == ([], [])


def test_posts_and_replies_are_found_by_everybody(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    first = post(alice, "今天天气很好")
    reply = post(bob, "天气不好", f"/posts/{first}/replies")
    assert ids(alice, "天气") == ([], [reply, first])
    newest, _ = find(alice, "天气")["posts"]
    assert (newest["thread"], newest["url"]) == (first, f"/posts/{reply}")
    assert newest["snippet"] == "<mark>天气</mark>不好"


def test_deleted_post_is_not_found(both_sites: Site) -> None:
    [alice] = both_sites.programs("alice")
    gone, kept = post(alice, "hello gone"), post(alice, "hello kept")
    assert alice.delete(f"/posts/{gone}").status_code == 204
    assert ids(alice, "hello") == ([], [kept])


def test_deleted_message_is_not_found(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    gone, kept = (alice.send("bob", f"hello {word}")["id"] for word in ("gone", "kept"))
    assert alice.delete(f"/messages/{gone}").status_code == 204
    assert ids(alice, "hello") == ids(bob, "hello") == ([kept], [])


def test_posts_of_whom_one_has_blocked_are_not_found(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    theirs = post(bob, "hello")
    assert alice.put("/users/bob/block", {}).status_code == 204
    assert ids(alice, "hello") == ([], [])
    assert ids(bob, "hello") == ([], [theirs])


def test_either_kind_is_gone_on_with_by_itself(site: Site) -> None:
    alice, _ = site.programs("alice", "bob")
    messages = [alice.send("bob", f"hello {number}")["id"] for number in range(3)]
    posts = [post(alice, f"hello {number}") for number in range(3)]
    found = find(alice, "hello", limit=2)
    assert (found["before_message"], found["before_post"]) == (messages[1], posts[1])
    found = find(alice, "hello", limit=2, before_message=found["before_message"])
    assert [hit["id"] for hit in found["messages"]] == messages[:1]
    assert found["before_message"] is None
    assert [hit["id"] for hit in found["posts"]] == posts[:0:-1]


@pytest.mark.parametrize("query", ["", " ", "...", '"', "-", "*", "👍"])
def test_query_without_words_is_refused(query: str, site: Site) -> None:
    [alice] = site.programs("alice")
    is_problem(alice.get("/search", query_string={"q": query}), 422, "q")


def test_query_is_needed_once_and_short(site: Site) -> None:
    [alice] = site.programs("alice")
    is_problem(alice.get("/search"), 422, "q")
    is_problem(alice.get("/search?q=a&q=b"), 422, "q")
    is_problem(alice.get("/search", query_string={"q": "x" * (LONGEST + 1)}), 422, "q")
    is_problem(alice.get("/search?q=a%00b"), 422, "q")


#: What would mean something to FTS5, to PostgreSQL's text search, or to SQL.
SYNTAX = (
    *("AND", "a AND", "NOT a", "NEAR(a b)", "words:a", "{a b}:c", "a*b", "^a", "a + b", "-a", '"a', "'a'' b"),
    *("a:*", "a & b", "!a", "a | b", "(a", "a <-> b", "a:A", "a\\", "a'b", "a' OR '1'='1", "%a", "a_b", "2_a"),
    *("<a>", "\ufffd a", "a\u2028b", "x" * (LONGEST - 8)),
)


def test_syntax_of_no_index_means_anything(both_sites: Site) -> None:
    alice, _ = both_sites.programs("alice", "bob")
    for query in SYNTAX:
        sent = alice.send("bob", f"{query} says {query}")
        assert sent["id"] in ids(alice, query)[0], query
        assert ids(alice, f"{query} nowhere") == ([], []), query


@pytest.mark.parametrize("name", ["before_message", "before_post", "limit"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "", "9" * 17])
def test_number_that_is_none_is_refused(name: str, value: str, site: Site) -> None:
    [alice] = site.programs("alice")
    is_problem(alice.get("/search", query_string={"q": "a", name: value}), 422, name)


def test_searches_are_limited(tmp_path: Any, empty_database: Any) -> None:
    for site in open_site(tmp_path, empty_database, RATE_LIMITS="on"):
        alice, bob = site.programs("alice", "bob")
        assert [alice.get("/search?q=a").status_code for _ in range(61)] == [200] * 60 + [429]
        assert bob.get("/search?q=a").status_code == 200


def test_it_says_when_not_all_is_found_yet(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite, where what is sent is indexed later."""
    for site in open_site(tmp_path, empty_database, sqlite_url(tmp_path)):
        see_it_say_so(site, monkeypatch)


def see_it_say_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = site.browser("alice")
    site.programs("bob")
    for number in range(3):
        alice.post("/messages", {"to": "bob", "body": f"hello {number}"})
    monkeypatch.setattr(index, "MOST_READ", 2)
    with monkeypatch.context() as asleep:
        asleep.setattr(site.app.extensions["myapp"].chores.__class__, "wake", lambda self: None)
        assert not find(alice, "hello")["complete"]
        assert "still being prepared" in alice.page("/search?q=hello")
    find(alice, "hello")  # wakes who does it
    wait_for(lambda: find(alice, "hello")["complete"], "the index")
    assert "still being prepared" not in alice.page("/search?q=hello")


# -- as a page


def test_page_shows_a_field_and_what_was_found(site: Site) -> None:
    alice, bob = site.browser("alice"), site.programs("bob")[0]
    assert 'name="q"' in alice.page("/search")
    sent = bob.send("alice", "<i>Hello</i> & goodbye")
    alice.post("/messages", {"to": "bob", "body": "hello"})
    post(bob, 'hello "everybody"')
    page = alice.page("/search?q=hel")
    assert snippets(page) == [
        "You: <bdi><mark>hello</mark></bdi>",
        "<bdi>&lt;i&gt;<mark>Hello</mark>&lt;/i&gt; &amp; goodbye</bdi>",
        "<bdi><mark>hello</mark> &#34;everybody&#34;</bdi>",
    ]
    assert f'href="/chats/bob?before={sent["id"] + 1}#message-{sent["id"]}"' in page
    assert 'value="hel"' in page
    chat = alice.page(f"/chats/bob?before={sent['id'] + 1}")
    assert f'id="message-{sent["id"]}"' in chat


def test_page_says_that_nothing_was_found(site: Site) -> None:
    page = site.browser("alice").page("/search?q=nothing")
    assert "No message has these words." in page
    assert "No post has these words." in page


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "The search has no letter and no digit; write a word to look for."),
        ("%3F%21", "The search has no letter and no digit; write a word to look for."),
        ("x" * 201, "The search is longer than 200 characters."),
    ],
)
def test_page_says_what_is_wrong_with_a_query(query: str, text: str, site: Site) -> None:
    page = site.browser("alice").page(f"/search?q={query}", 422)
    assert re.search(rf'id="search-error" role="alert">{re.escape(text)}<', page), page


def test_page_leads_to_older_ones_and_back(site: Site) -> None:
    alice, bob = site.browser("alice"), site.programs("bob")[0]
    numbers = [bob.send("alice", f"hello {number}")["id"] for number in range(25)]
    page = alice.page("/search?q=hello")
    assert len(snippets(page)) == 20
    assert f'href="/search?q=hello&amp;before_message={numbers[5]}#before_message">Older ones<' in page
    page = alice.page(f"/search?q=hello&before_message={numbers[5]}")
    assert len(snippets(page)) == 5
    assert 'href="/search?q=hello#before_message">Newest<' in page
    assert "Older ones" not in page


def test_who_finds_people_is_led_to_searching_what_was_written(site: Site) -> None:
    page = site.browser("alice").page("/?q=bo%26b")
    assert 'href="/search?q=bo%26b"' in page


def test_page_is_for_who_is_signed_in(site: Site) -> None:
    answer = site.guest().get("/search?q=hello", headers=HTML)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/auth/login?next=/search?q%3Dhello")
