"""Searching: the same is found on both databases, at once, and never what is not one's own, deleted or blocked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myapp.auth import blocks
from myapp.auth.people import Person
from myapp.messages import deleting
from myapp.messages import service as messages
from myapp.posts import deleting as deleting_posts
from myapp.posts import writing
from myapp.search import catching_up, index, service
from myapp.search.query import needed, parse
from myapp.search.service import NEWEST, Found
from myapp.search.words import words_of

from ..support import PATIENCE, wait_for
from .conftest import Store
from .noticed import is_waiting
from .test_words import TEXTS, is_found

#: Long enough for whatever a test has to index.
LONG = 60.0


class World:
    """People who write, and what they find."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.people = [Person(user, f"user{number}", f"user{number}") for number, user in enumerate(store.add(3), 1)]

    def send(self, body: str, sender: int = 0, to: int = 1) -> int:
        with self.store.database.transaction() as transaction:
            sent = messages.send(transaction, self.people[sender], self.people[to].name, body)
        number: int = sent.message["id"]
        return number

    def delete(self, number: int, sender: int = 0) -> None:
        with self.store.database.transaction() as transaction:
            deleting.delete(transaction, self.people[sender], number)

    def post(self, body: str, author: int = 0, thread: int | None = None) -> int:
        with self.store.database.transaction() as transaction:
            if thread is None:
                return writing.write(transaction, self.people[author], body).post
            return writing.reply(transaction, self.people[author], thread, body).post

    def delete_post(self, number: int, author: int = 0) -> None:
        with self.store.database.transaction() as transaction:
            deleting_posts.delete(transaction, self.people[author].id, number)

    def index(self) -> None:
        """All that is stored is in the index."""
        assert not catching_up.catch_up(self.store.database, LONG)

    def find(self, query: str, who: int = 0, before: int = NEWEST, limit: int = 20) -> Found:
        with self.store.database.snapshot() as connection:
            return service.search_messages(connection, self.people[who], parse(query), before, limit)

    def find_posts(self, query: str, who: int = 0, before: int = NEWEST, limit: int = 20) -> Found:
        with self.store.database.snapshot() as connection:
            return service.search_posts(connection, self.people[who], parse(query), before, limit)

    def ids(self, query: str, who: int = 0) -> list[int]:
        found = self.find(query, who)
        assert found.is_complete and found.before is None
        return [hit["id"] for hit in found.hits]

    def post_ids(self, query: str, who: int = 0) -> list[int]:
        found = self.find_posts(query, who)
        assert found.is_complete and found.before is None
        return [hit["id"] for hit in found.hits]

    def in_index(self, kind: str, query: str, owner: int | None = None) -> list[int]:
        """What the index itself says."""
        one = {"messages": index.MESSAGES, "posts": index.POSTS}[kind]
        with self.store.database.read() as connection:
            return one.find(connection, needed(parse(query)), NEWEST, 100, owner)


def reset(store: Store) -> None:
    """As when the index has just been made: nothing is in it, and all that is there is to come into it."""
    if store.database.dialect == "sqlite":
        store.write("INSERT INTO messages_words(messages_words) VALUES ('delete-all')")
        store.write("INSERT INTO posts_words(posts_words) VALUES ('delete-all')")
    else:
        store.write("DELETE FROM messages_words")
        store.write("DELETE FROM posts_words")
    for kind in ("messages", "posts"):
        store.write(
            f"UPDATE search_marks SET upto = 0, goal = (SELECT coalesce(max(id), 0) FROM {kind}) WHERE kind = '{kind}'"
        )


@pytest.fixture(params=[True, False], ids=["indexed", "not indexed yet"])
def is_indexed(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
def world(emptied: Store) -> Iterator[World]:
    reset(emptied)
    yield World(emptied)


def test_message_is_found_by_both_sides_as_soon_as_it_is_stored(world: World, is_indexed: bool) -> None:
    number = world.send("Hello World")
    if is_indexed:
        world.index()
    assert world.ids("hello", who=0) == world.ids("hello", who=1) == [number]


def test_message_of_others_is_never_found(world: World, is_indexed: bool) -> None:
    world.send("Hello World")
    if is_indexed:
        world.index()
    for query in ("hello", "hel", '"hello world"', "1_hello", f"{world.people[0].id}_hello", "h"):
        assert world.ids(query, who=2) == []


def test_hit_says_who_and_when_and_where_it_leads(world: World) -> None:
    number = world.send("Hello <World>")
    [mine], [theirs] = world.find("world").hits, world.find("world", who=1).hits
    assert mine["snippet"] == "Hello &lt;<mark>World</mark>&gt;"
    assert mine["url"] == f"/chats/user2?before={number + 1}#message-{number}"
    url = f"/chats/user1?before={number + 1}#message-{number}"
    assert theirs == {**mine, "url": url, "with": "user1", "with_name": "user1"}
    assert (mine["from"], mine["from_name"], mine["to"]) == ("user1", "user1", "user2")
    assert mine["avatar"] == world.people[0].avatar
    assert mine["at"].endswith("Z")


def test_newest_comes_first_and_the_rest_in_pages(world: World, is_indexed: bool) -> None:
    numbers = [world.send(f"Hello {number}") for number in range(25)]
    if is_indexed:
        world.index()
    first = world.find("hello", limit=10)
    second = world.find("hello", limit=10, before=first.before or 0)
    third = world.find("hello", limit=10, before=second.before or 0)
    assert third.before is None
    assert [hit["id"] for page in (first, second, third) for hit in page.hits] == numbers[::-1]


def test_page_that_is_just_full_is_the_last_one(world: World, is_indexed: bool) -> None:
    for number in range(10):
        world.send(f"Hello {number}")
    if is_indexed:
        world.index()
    assert world.find("hello", limit=10).before is None


def test_what_is_indexed_and_what_is_not_are_found_together(world: World) -> None:
    old = [world.send("Hello one"), world.send("Hello two")]
    world.index()
    new = [world.send("Hello three"), world.send("Hello four")]
    assert world.ids("hello") == [*old, *new][::-1]
    assert [hit["id"] for hit in world.find("hello", limit=3).hits] == [*old, *new][:0:-1]
    assert [hit["id"] for hit in world.find("hello", before=new[0]).hits] == old[::-1]


def test_deleted_message_is_not_found_and_leaves_the_index(world: World, is_indexed: bool) -> None:
    gone, kept = world.send("Hello gone"), world.send("Hello kept")
    if is_indexed:
        world.index()
    world.delete(gone)
    assert world.ids("hello") == [kept]
    world.index()
    assert world.ids("hello") == [kept]
    assert world.in_index("messages", "hello", world.people[0].id) == [kept]


def test_deletion_that_is_taken_back_leaves_it_in_the_index(world: World) -> None:
    number = world.send("Hello World")
    world.index()
    with pytest.raises(ZeroDivisionError), world.store.database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE messages SET deleted_at = 1 WHERE id = {number}")
        service.forget_message(transaction, number, world.people[0].id, world.people[1].id, "Hello World")
        raise ZeroDivisionError
    assert world.ids("hello") == [number]
    assert world.in_index("messages", "hello", world.people[0].id) == [number]


def test_message_that_is_rolled_back_is_not_found(world: World) -> None:
    with pytest.raises(ZeroDivisionError), world.store.database.transaction() as transaction:
        messages.send(transaction, world.people[0], "user2", "Hello World")
        raise ZeroDivisionError
    world.index()
    assert world.ids("hello") == []


def test_posts_and_replies_are_found_by_everybody(world: World, is_indexed: bool) -> None:
    post = world.post("Hello World")
    reply = world.post("Hello you", author=1, thread=post)
    if is_indexed:
        world.index()
    assert world.post_ids("hello", who=2) == [reply, post]
    newest, oldest = world.find_posts("hello", who=2).hits
    assert (newest["thread"], newest["url"]) == (post, f"/posts/{reply}")
    assert (oldest["thread"], oldest["url"]) == (None, f"/posts/{post}")
    assert (newest["by"], newest["by_name"], newest["avatar"]) == ("user2", "user2", world.people[1].avatar)
    assert newest["snippet"] == "<mark>Hello</mark> you"


def test_deleted_post_is_not_found_and_leaves_the_index(world: World, is_indexed: bool) -> None:
    post = world.post("Hello World")
    reply = world.post("Hello you", thread=post)
    if is_indexed:
        world.index()
    world.delete_post(post)
    assert world.post_ids("hello") == [reply]
    world.index()
    assert world.in_index("posts", "hello") == [reply]


def test_posts_of_whom_one_has_blocked_are_not_found(world: World, is_indexed: bool) -> None:
    mine, theirs = world.post("Hello mine", author=0), world.post("Hello theirs", author=1)
    if is_indexed:
        world.index()
    with world.store.database.transaction() as transaction:
        blocks.block(transaction, world.people[0].id, world.people[1].id)
    assert world.post_ids("hello", who=0) == [mine]
    assert world.post_ids("hello", who=1) == world.post_ids("hello", who=2) == [theirs, mine]


def test_messages_are_not_posts(world: World) -> None:
    message, post = world.send("Hello there"), world.post("Hello everybody")
    world.index()
    assert (world.ids("hello"), world.post_ids("hello")) == ([message], [post])


def test_answer_ends_where_its_texts_are_long_and_is_gone_on_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_SHOWN", 100)
    sent = [world.send(f"hello {'x' * 60}") for _ in range(3)]
    found, before = [], NEWEST
    while before:
        page = world.find("hello", before=before)
        assert len(page.hits) == 1
        found += [hit["id"] for hit in page.hits]
        before = page.before or 0
    assert found == sent[::-1]


def test_answer_ends_sooner_where_characters_are_many_words_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_SHOWN", 100)
    sent = [world.send("\u3316" * 10) for _ in range(3)]  # a square of six kana
    found = world.find("\u3316")
    assert ([hit["id"] for hit in found.hits], found.before) == (sent[-1:], sent[-1])


def pages_to_the_end(find: Callable[[int], Found]) -> list[Found]:
    """All answers, each asked for behind the one before."""
    pages = [find(NEWEST)]
    while (before := pages[-1].before) is not None:
        pages.append(find(before))
    return pages


def ids_in(pages: list[Found]) -> list[int]:
    return [hit["id"] for page in pages for hit in page.hits]


def test_search_that_takes_too_long_ends_with_what_it_has(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [world.send("b a"), *(world.send("a b") for _ in range(5)), world.send("b a")]
    world.index()
    monkeypatch.setattr(service, "MOST_READ", 0)
    pages = pages_to_the_end(lambda before: world.find('"b a"', before=before))
    assert ids_in(pages) == [numbers[-1], numbers[0]]
    assert len(pages) >= len(numbers)


def test_phrases_that_are_not_there_are_looked_for_behind_the_first_portion(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PORTION", 3)
    first = world.send("b a")
    for _ in range(20):
        world.send("a b")
    world.index()
    assert [hit["id"] for hit in world.find('"b a"', limit=2).hits] == [first]


# -- filling the index


def test_what_was_there_before_the_index_is_found_while_it_is_filled(world: World) -> None:
    numbers = [world.send(f"Hello {number}") for number in range(30)]
    posts = [world.post(f"Hello {number}") for number in range(3)]
    reset(world.store)
    for _ in range(6):
        with world.store.database.transaction() as transaction:
            index.MESSAGES.advance(transaction, 7)
        found = world.find("hello", limit=100)
        assert [hit["id"] for hit in found.hits] == numbers[::-1]
        assert found.is_complete
    world.index()
    assert world.in_index("messages", "hello", world.people[0].id) == numbers[::-1]
    assert world.in_index("posts", "hello") == world.post_ids("hello") == posts[::-1]


@pytest.mark.parametrize("indexed", [0, 3])
def test_search_in_much_that_is_not_indexed_yet_ends_with_what_it_has(
    indexed: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = [world.post(f"{'x' * 60} hello" if number % 2 else "other") for number in range(10)]
    reset(world.store)
    with world.store.database.transaction() as transaction:
        index.POSTS.advance(transaction, indexed)
    monkeypatch.setattr(service, "MOST_READ", 100)
    monkeypatch.setattr(service, "PORTION", 3)
    pages = pages_to_the_end(lambda before: world.find_posts("hello", before=before))
    assert ids_in(pages) == posts[::-2]
    assert len(pages) > 2
    assert all(page.is_complete for page in pages)


def test_search_says_when_it_has_not_seen_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [world.send(f"Hello {number}") for number in range(10)]
    reset(world.store)
    monkeypatch.setattr(index, "MOST_READ", 4)
    found = world.find("hello")
    assert not found.is_complete
    assert [hit["id"] for hit in found.hits] == numbers[:5:-1]
    world.index()
    assert world.ids("hello") == numbers[::-1]


def test_index_is_filled_in_batches_and_stops_when_told(world: World) -> None:
    for number in range(120):
        world.send(f"Hello {number}")
    reset(world.store)
    batches: list[float] = []
    assert catching_up.catch_up(world.store.database, LONG, lambda: len(batches) == 1, batches.append)
    assert len(world.in_index("messages", "hello", world.people[0].id)) == catching_up.FIRST
    assert catching_up.catch_up(world.store.database, 0.0)
    assert not catching_up.catch_up(world.store.database, LONG, note=batches.append)
    assert len(batches) > 1
    assert not catching_up.catch_up(world.store.database, LONG, note=lambda seconds: pytest.fail("nothing to do"))


def test_filling_again_adds_nothing_twice(world: World) -> None:
    number = world.send("Hello World")
    world.index()
    if world.store.database.dialect == "postgresql":  # goes through what is there already
        world.store.write("UPDATE search_marks SET upto = 0")
        world.index()
    assert world.in_index("messages", "hello", world.people[0].id) == [number]


def test_postgresql_finds_what_the_version_before_has_stored(world: World) -> None:
    if world.store.database.dialect == "sqlite":
        return
    number = world.send("Hello World")
    world.store.write("DELETE FROM messages_words")
    world.index()
    assert world.ids("hello") == [number]


def test_two_who_fill_the_index_do_not_disturb_each_other(world: World) -> None:
    if world.store.database.dialect == "sqlite":
        return  # one writes at a time
    world.send("Hello World")
    reset(world.store)
    with world.store.database.transaction() as one:
        assert index.MESSAGES.advance(one, 10)
        with world.store.database.transaction() as other:
            assert not index.MESSAGES.advance(other, 10)
    assert len(world.in_index("messages", "hello", world.people[0].id)) == 1


def test_message_that_is_deleted_while_it_is_indexed_is_not_in_the_index(world: World) -> None:
    if world.store.database.dialect == "sqlite":
        return  # one writes at a time
    number = world.send("Hello World")
    reset(world.store)
    deleting_it = threading.Thread(target=world.delete, args=(number,))
    with world.store.database.transaction() as transaction:
        assert index.MESSAGES.advance(transaction, 10)
        transaction.one(index.MESSAGES._mark)  # what was queued is done
        deleting_it.start()
        wait_for(lambda: is_waiting(world.store), "the deletion to wait")
    deleting_it.join(PATIENCE)
    assert world.in_index("messages", "hello", world.people[0].id) == []


def test_text_without_words_is_stored_and_deleted(world: World, is_indexed: bool) -> None:
    number = world.send("👍")
    if is_indexed:
        world.index()
    world.delete(number)
    world.index()
    assert world.ids("x") == []


def test_longest_texts_are_found(world: World) -> None:
    numbers = [
        world.send(body)
        for body in ("的" * 4000, "x" * 4000, "字" * 3998 + "典词", "".join(chr(0x4E00 + n) for n in range(4000)))
    ]
    world.index()
    assert world.ids("的" * 200) == [numbers[0]]
    assert world.ids("x" * 200) == [numbers[1]]
    assert world.ids("字典词") == [numbers[2]]
    assert world.ids("一丁丂") == [numbers[3]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(TEXTS.filter(lambda text: "\x00" not in text and bool(text.strip())), min_size=1, max_size=8), TEXTS)
def test_databases_find_what_the_words_say(world: World, bodies: list[str], query: str) -> None:
    """Whatever is written and asked, indexed or not: both find the same, which is what `matches` says of the texts."""
    bodies = [body for body in bodies if not any("\ud800" <= char <= "\udfff" for char in body)]
    sent = [(world.send(body), body) for body in bodies]
    query = query if words_of(query) else "a"
    for asked in (query, *(body for body in bodies[:2] if words_of(body))):
        expected = {number for number, body in sent if is_found(asked, body)}
        for _ in ("not indexed", "indexed"):
            found = world.find(asked, limit=1000).hits
            assert {hit["id"] for hit in found} & {number for number, _ in sent} == expected
            world.index()
