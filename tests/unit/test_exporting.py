"""Exporting all that one wrote: what is in the zip, and that its size is nobody's concern."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myapp.auth import pictures, service
from myapp.db import Connection
from myapp.errors import Text, Unavailable
from myapp.messages.models import messages
from myapp.statements import Statement, many
from myapp.tasks.exporting import account, archive, as_html, reads, rows
from myapp.tasks.exporting.archive import safe_name
from myapp.tasks.run import Ended, Run

from .conftest import Store
from .exported import Export

#: What breaks out of HTML or JSON, turns the direction of writing, ends lines for some, or needs four bytes.
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'> <img src=x onerror=alert(1)> &amp; </li></ul></main>",
    "a\nb\r\nc\ttab \x01 \x1b[31m \x7f",
    "\u202eright to left\u2066 \u2028 \u2029 \ufeff",
    '\\u0041 \\" </script> {{ 7 * 7 }} %(name)s {0}',
    "\U0001f469\u200d\U0001f680 שלום 中文",
)


@pytest.fixture
def world(emptied: Store) -> Export:
    return Export(emptied, "alice", "bob", "carol")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are many."""
    monkeypatch.setattr(rows, "PAGE", 2)
    monkeypatch.setattr(rows, "COUNTED", 3)
    monkeypatch.setattr(archive, "PIECE", 10)
    monkeypatch.setattr(as_html, "MOST", 3)


def test_it_has_all_that_one_wrote_and_was_written(world: Export, tmp_path: Path) -> None:
    alice, bob, carol = world.people
    first, second = world.send(alice, bob, "to bob"), world.send(bob, alice, "from bob")
    third = world.send(alice, carol, "to carol")
    world.read(bob, alice, first)
    post = world.write(alice, "a post")
    of_bob = world.write(bob, "bob's post")
    reply = world.reply(alice, of_bob, "a reply")
    world.react(bob, post, "like")
    world.react(alice, of_bob, "dislike")

    zipped = world.of(alice, tmp_path)
    to_carol, to_bob = zipped.json("messages.json")["conversations"]
    assert (to_carol["with"], to_bob["with"], to_bob["with_name"]) == ("carol", "bob", "Bob")
    assert [message.pop("at")[-1] for one in (to_bob, to_carol) for message in one["messages"]] == ["Z"] * 3
    common = {"deleted": False}
    assert to_bob["messages"] == [
        {"id": first, "from": "alice", "to": "bob", "body": "to bob", "read": True, **common},
        {"id": second, "from": "bob", "to": "alice", "body": "from bob", "read": False, **common},
    ]
    assert [message["id"] for message in to_carol["messages"]] == [third]
    posts = zipped.json("posts.json")
    assert [(one["id"], one["thread"], one["body"]) for one in posts["posts"]] == [
        (post, None, "a post"),
        (reply, of_bob, "a reply"),
    ]
    assert posts["posts"][0]["counts"] == {"likes": 1, "dislikes": 0, "replies": 0}
    [reaction] = posts["reactions"]
    assert (reaction["post"], reaction["by"], reaction["reaction"]) == (of_bob, "bob", "dislike")
    assert zipped.pages["conversations/bob.html"].texts == ["to bob", "from bob"]
    assert zipped.pages["posts.html"].texts == ["a post", "a reply"]
    assert {"conversations/bob.html", "conversations/carol.html"} <= set(zipped.pages["index.html"].links)
    assert re.fullmatch(r"myapp-alice-\d{4}-\d\d-\d\d\.zip", zipped.name)


def test_nothing_of_others_is_in_it(world: Export, tmp_path: Path) -> None:
    alice, bob, carol = world.people
    world.send(bob, carol, "not for alice")
    world.reply(carol, world.write(bob, "bob wrote this"), "carol wrote this")
    zipped = world.of(alice, tmp_path)
    assert [zipped.says(text) for text in ("not for alice", "wrote this", "bob", "carol")] == [[]] * 4


def test_whoever_wrote_nothing_gets_it_too(world: Export, tmp_path: Path) -> None:
    zipped = world.of(world.people[0], tmp_path)
    assert zipped.json("messages.json") == {"conversations": []}
    assert zipped.json("posts.json") == {"posts": [], "reactions": []}
    assert sorted(zipped.pages) == ["index.html", "posts.html", "reactions.html"]
    assert zipped.percents[-1] == 100


def test_it_has_what_is_kept_of_the_account_but_no_secret(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    world.send(bob, alice, "before he was blocked")
    world.block(alice, bob)
    world.mute(alice, "like")
    with world.database.transaction() as transaction:
        token = service.create_token(transaction, alice.id, "my phone")["token"]
        pictures.store(transaction, alice.id, b"RIFF....WEBP")
    zipped = world.of(alice, tmp_path)
    told = zipped.json("account.json")
    assert (told["name"], told["display_name"], told["language"]) == ("alice", "Alice", None)
    assert (told["blocked"], told["muted"], told["picture"]) == (["bob"], ["like"], "picture.webp")
    assert [one["label"] for one in told["tokens"]] == ["my phone"]
    assert told["counts"] == {"messages": 1, "posts": 0, "reactions": 0}
    assert zipped.files["picture.webp"] == b"RIFF....WEBP"
    assert zipped.bodies(bob) == ["before he was blocked"]
    assert zipped.says(token) == zipped.says("hash") == []


def test_what_was_deleted_is_there_without_its_text(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    world.take_back(alice, world.send(alice, bob, "a slip"))
    world.delete(alice, world.write(alice, "a slip, too"))
    zipped = world.of(alice, tmp_path)
    [message] = zipped.json("messages.json")["conversations"][0]["messages"]
    [post] = zipped.json("posts.json")["posts"]
    assert (message["deleted"], message["body"], post["deleted"], post["body"]) == (True, "", True, "")
    assert zipped.pages["conversations/bob.html"].texts == zipped.pages["posts.html"].texts == ["Deleted"]
    assert zipped.says("a slip") == []


def test_texts_are_texts_whatever_they_say(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    with world.database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE users SET display_name = '<b>&\u202e\"Bob' WHERE id = {bob.id}")
    for body in HOSTILE:
        world.send(bob, alice, body)
        world.write(alice, body)
    zipped = world.of(alice, tmp_path)
    assert zipped.bodies(bob) == [*HOSTILE]
    assert [post["body"] for post in zipped.json("posts.json")["posts"]] == [*HOSTILE]
    assert zipped.pages["conversations/bob.html"].texts == [*HOSTILE]
    assert zipped.pages["posts.html"].texts == [*HOSTILE]
    assert {"script", "img", "b"}.isdisjoint(set().union(*(page.tags for page in zipped.pages.values())))


@pytest.mark.usefixtures("small")
def test_long_lists_are_read_and_written_in_parts(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    bodies = [f"message {number}" for number in range(7)]
    for body in bodies:
        world.send(bob, alice, body)
        world.write(alice, body)
    zipped = world.of(alice, tmp_path)
    assert zipped.bodies(bob) == bodies
    for stem in ("conversations/bob", "posts"):
        parts = [zipped.pages[f"{stem}{part}.html"] for part in ("", "~part2", "~part3")]
        assert [part.texts for part in parts] == [bodies[:3], bodies[3:6], bodies[6:]]
        name = stem.rpartition("/")[2]
        assert f"{name}~part2.html" in parts[0].links
        assert {f"{name}.html", f"{name}~part3.html"} <= set(parts[1].links)
        assert f"{name}~part2.html" in parts[2].links
    assert len(zipped.pages) == 8


@pytest.mark.usefixtures("small")
def test_progress_goes_from_0_to_100_and_never_back(world: Export, tmp_path: Path) -> None:
    alice, bob, carol = world.people
    for number in range(10):
        world.send(bob, alice, f"message {number}")
        world.react(alice, world.write(carol))
    percents = world.of(alice, tmp_path).percents
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert max(after - before for before, after in itertools.pairwise(percents)) < 20


@pytest.mark.usefixtures("small")
def test_it_ends_with_what_there_was_at_the_start(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    for number in range(3):
        world.send(bob, alice, f"message {number}")

    def write_more(run: Run) -> None:
        world.send(bob, alice, "much later")

    zipped = world.of(alice, tmp_path, write_more)
    assert zipped.bodies(bob) == [f"message {number}" for number in range(3)]
    assert zipped.percents[-1] == 100


@pytest.mark.usefixtures("small")
def test_one_that_is_ended_leaves_nothing(world: Export, tmp_path: Path) -> None:
    alice, bob, _carol = world.people
    for number in range(5):
        world.send(bob, alice, f"message {number}")

    def cancel(run: Run) -> None:
        if run.percent > 50:
            run.end("enough")

    with pytest.raises(Ended, match="enough"):
        world.of(alice, tmp_path, cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away_is_waited_for(world: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, _carol = world.people
    world.send(bob, alice, "still here")
    monkeypatch.setattr(rows, "WAIT", 0.0)
    read, turns = world.database.read, itertools.count()

    @contextlib.contextmanager
    def failing() -> Iterator[Connection]:
        if next(turns) % 2:
            raise Unavailable(Text("away"))
        with read() as connection:
            yield connection

    monkeypatch.setattr(world.database, "read", failing)
    assert world.of(alice, tmp_path).bodies(bob) == ["still here"]


def test_pages_speak_their_owners_language(world: Export, tmp_path: Path) -> None:
    alice = world.people[0]
    with world.database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE users SET language = 'zh' WHERE id = {alice.id}")
    page = world.of(alice, tmp_path)
    assert page.pages["index.html"].language == "zh-Hans"
    assert page.says("时间均为 UTC。")


_MANY = many(messages, "from_id", "to_id", "low_id", "high_id", "body", "at", "seq")


@pytest.mark.parametrize("kept_app", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_what_there_is(
    world: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4 MB of messages, of which a page of ten has 40 KB and what is compressed next 64 KB."""
    monkeypatch.setattr(rows, "PAGE", 10)
    alice, bob, carol = world.people
    last = world.send(alice, bob, "the first")
    pair = {"from_id": bob.id, "to_id": alice.id, "low_id": alice.id, "high_id": bob.id, "at": 0, "seq": 0}
    bodies = [secrets.token_hex(1000) * 2 for _ in range(10)]
    with world.database.transaction() as transaction:
        transaction.queue_many(_MANY, [{**pair, "body": body} for body in bodies * 100])
        transaction.driver.execute(f"UPDATE conversations SET last_id = {last + 1000}")
    world.size_of(carol, tmp_path)  # what is loaded once stays
    tracemalloc.start()
    try:
        size = world.size_of(alice, tmp_path)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 2_000_000 > 2 * peak


# -- names


@pytest.mark.parametrize("name", ["bob", "a.b-c_d", "x1", "7"])
def test_a_name_is_the_name_of_its_file(name: str) -> None:
    assert safe_name(name, 17) == name


def test_names_that_no_file_can_have_are_told_apart_by_number() -> None:
    names = [
        "..",
        ".",
        "",
        "CON",
        "con",
        "nul.txt",
        "com1",
        "a/b",
        "a\\b",
        "a~2",
        "Bob",
        "BOB",
        "bob ",
        "中文",
        "x" * 99,
    ]
    made = [safe_name(name, number) for number, name in enumerate(names)]
    assert len({name.casefold() for name in [*made, "bob", "con-2"]}) == len(names) + 2
    assert all(re.fullmatch(r"[a-z0-9-]{0,32}~\d+", name) for name in made)


# -- reading


def statements_of(module: Any) -> list[Statement]:
    return [found for name, found in vars(module).items() if isinstance(found, Statement)]


def test_every_read_is_a_search_by_an_index(lite: Store) -> None:
    plans = []
    with lite.database.read() as connection:
        driver: sqlite3.Connection = connection.driver
        for statement in [*statements_of(reads), *statements_of(account)]:
            sql = statement.compiled("sqlite").sql
            values = {name: 1 for name in re.findall(r":(\w+)", sql)}
            plans += [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert len(plans) > 10
    assert [plan for plan in plans if "SCAN" in plan and plan != "SCAN anon_1" or "TEMP B-TREE" in plan] == []
