"""The bell: what happened as items, the like of it together, what was seen apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp import Kind, inbox, register
from myapp.errors import Text
from myapp.inbox import StoredNotice
from myapp.notifications import bell, kinds

from . import noticed
from .conftest import Store

MOST = 2**53


def seen(seq: int, kind: str = "like", is_seen: bool = False, **data: Any) -> StoredNotice:
    return StoredNotice(seq, kind, 1_795_165_200_123 + seq, json.dumps(data), is_seen, None)


def like(seq: int, post: int, name: str, is_seen: bool = False, kind: str = "like") -> StoredNotice:
    return seen(seq, kind, is_seen, post=post, by=name.lower(), by_name=name, withdrawn=False)


def titles(*found: StoredNotice) -> list[str]:
    return [str(item.title) for item in bell.group(found)]


def test_each_alone_is_an_item() -> None:
    one = seen(3, "notification", id=9, source="shop", title="Paid", body="in full", url="/orders", badge=None, data={})
    two = seen(2, "notification", id=8, source=None, title="Paid", body=None, url=None, badge=None, data={})
    first, second = bell.group([one, two])
    assert (first.seq, first.title, first.body, first.url, first.source) == (3, "Paid", "in full", "/orders", "shop")
    assert (second.seqs, second.title, second.body, second.url, second.source) == ((2,), "Paid", "", "", None)
    assert first.at == "2026-11-20T09:00:00.126Z"


def mention(seq: int, reply: int | None, **more: Any) -> StoredNotice:
    data = {"post": 5, "reply": reply, "mention": {"by": "bob", "by_name": "Bob <b>"}}
    content = {"source": None, "title": "Bob <b> mentioned you", "body": "@ann", "url": "/posts/5#post-5", "data": data}
    return seen(seq, "notification", id=seq, **{**content, **more})


def test_a_mention_is_told_by_a_text_and_leads_to_where_it_stands() -> None:
    in_post, in_reply = bell.group([mention(2, None), mention(1, 7)])
    assert isinstance(in_post.title, Text) and in_post.title.values == {"name": "Bob <b>"}
    assert (in_post.title, in_post.url) == ("Bob <b> mentioned you", "/posts/5#post-5")
    assert (in_reply.title, in_reply.url) == ("Bob <b> mentioned you", "/posts/7")


def test_what_a_system_sends_is_no_mention_whatever_its_data_look_like() -> None:
    own = mention(1, 7, source="shop", title="Hello", url="/orders")
    strange = mention(2, 7, title="Hello", url="/orders", data={"mention": "Bob"})
    assert [(item.title, item.url) for item in bell.group([own, strange])] == [("Hello", "/orders")] * 2


def test_the_like_of_it_is_one_item_where_the_newest_stands() -> None:
    other = seen(7, "notification", id=1, title="Paid")
    items = bell.group([like(9, 1, "Ann"), like(8, 2, "Bob"), other, like(5, 1, "Carol"), like(4, 1, "Dora")])
    assert [item.seqs for item in items] == [(9, 5, 4), (8,), (7,)]
    assert items[0].url == "/posts/1"
    assert items[0].at == "2026-11-20T09:00:00.132Z"


def test_titles_say_who_the_latest_first_and_how_many() -> None:
    assert titles(like(3, 1, "Ann")) == ["Ann liked your post"]
    assert titles(like(3, 1, "Ann"), like(2, 1, "Bob")) == ["Ann and Bob liked your post"]
    many = [like(9 - number, 1, name) for number, name in enumerate(["Ann", "Bob", "Carol"])]
    assert titles(*many) == ["3 people liked your post"]


def test_who_did_it_twice_is_named_once() -> None:
    assert titles(like(3, 1, "Ann"), like(2, 1, "Ann")) == ["Ann liked your post"]
    assert titles(like(3, 1, "Ann"), like(2, 1, "Bob"), like(1, 1, "Ann")) == ["Ann and Bob liked your post"]


def test_kinds_are_not_put_together() -> None:
    items = bell.group([like(3, 1, "Ann"), like(2, 1, "Ann", kind="dislike"), like(1, 1, "Ann", kind="reply")])
    assert [item.kind.name for item in items] == ["like", "dislike", "reply"]


def test_what_was_seen_is_not_put_together_with_what_was_not() -> None:
    items = bell.group([like(4, 1, "Ann"), like(3, 1, "Bob", True), like(2, 1, "Carol"), like(1, 1, "Dora", True)])
    assert [(item.seqs, item.seen) for item in items] == [((4, 2), False), ((3, 1), True)]


def test_number_of_a_notice_is_no_group_of_another() -> None:
    """A group is named by its kind and a text: a notice that stands alone never falls into it."""
    alone = seen(1, "notification", id=1, title="Paid")
    assert [item.seqs for item in bell.group([like(2, 1, "Ann"), alone])] == [(2,), (1,)]


@pytest.fixture
def orders() -> Iterator[str]:
    kind = Kind(
        "order",
        Text("Orders"),
        lambda data: Text("Order %(number)s", number=data["number"]),
        group=lambda data: data.get("shop"),
        together=lambda data: Text("%(count)d orders", count=len(data)),
    )
    yield register(kind).name
    kinds.unregister("order")


def test_kind_of_ones_own_groups_as_it_likes(orders: str) -> None:
    found = [seen(4, orders, number=4, shop="a"), seen(3, orders, number=3), seen(2, orders, number=2, shop="a")]
    assert titles(*found) == ["2 orders", "Order 3"]


def test_what_is_of_a_kind_that_was_taken_away_is_shown_by_what_it_has() -> None:
    assert titles(seen(2, "gone", title="Something"), seen(1, "gone", other=1)) == ["Something", "gone"]


BROKEN = [{}, {"post": None}, {"by": 3}, {"title": None}, {"state": "unheard-of"}]


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.kinds()])
@pytest.mark.parametrize("data", BROKEN, ids=str)
def test_notice_that_its_kind_cannot_show_keeps_nobody_from_the_others(kind: str, data: dict[str, Any]) -> None:
    other = seen(1, "notification", id=1, title="Paid")
    items = bell.group([seen(2, kind, **data), other])
    assert [item.seqs for item in items] == [(2,), (1,)]
    for item in items:
        assert all(isinstance(text, str) for text in (str(item.title), item.body, item.url))
    assert isinstance(bell.as_json(seen(2, kind, **data)), dict)


@given(
    st.lists(
        st.tuples(st.sampled_from(["like", "dislike", "notification"]), st.integers(1, 3), st.booleans()), max_size=30
    )
)
def test_every_notice_is_in_one_item_and_the_newest_of_each_item_stand_in_order(
    drawn: list[tuple[str, int, bool]],
) -> None:
    found = [
        seen(len(drawn) - at, kind, is_seen, post=post, by="ann", id=1, title="Paid")
        for at, (kind, post, is_seen) in enumerate(drawn)
    ]
    items = bell.group(found)
    assert sorted(seq for item in items for seq in item.seqs) == list(range(1, len(drawn) + 1))
    assert [item.seq for item in items] == sorted((item.seq for item in items), reverse=True)
    assert all(list(item.seqs) == sorted(item.seqs, reverse=True) for item in items)


# -- pages


def test_pages_follow_each_other_without_a_gap(emptied: Store) -> None:
    (user,) = emptied.add()
    for number in range(7):
        noticed.tell(emptied, user, f"{number}")
    with emptied.database.transaction() as transaction:
        inbox.mark_some_seen(transaction, user, [2, 5])
    shown: list[tuple[str, bool]] = []
    before: int | None = MOST
    pages = 0
    while before is not None:
        with emptied.database.snapshot() as connection:
            page = bell.page(connection, user, before, 3)
        assert len(page.unseen) + len(page.seen) <= 3
        shown += [(str(item.title), item.seen) for item in sorted(page.unseen + page.seen, key=lambda item: -item.seq)]
        before = page.before
        pages += 1
    assert shown == [(f"{number}", number in (1, 4)) for number in range(6, -1, -1)]
    assert pages == 3


def test_last_page_says_so_even_when_it_is_full(emptied: Store) -> None:
    (user,) = emptied.add()
    for number in range(3):
        noticed.tell(emptied, user, f"{number}")
    with emptied.database.snapshot() as connection:
        assert bell.page(connection, user, MOST, 3).before is None
        assert bell.page(connection, user, MOST, 2).before == 2
        assert bell.page(connection, user, 1, 2) == bell.Bell([], [], None)


def test_every_notice_is_counted_by_one_badge_of_the_bell_at_most(orders: str) -> None:
    assert bell.badges() == ["notifications", "announcements", "likes", "dislikes", "replies", "tasks"]


@pytest.mark.parametrize("limit", [1, 49, 50, 51, 100, 119, 120, 121, 500])
def test_pages_of_any_length_have_each_notice_once(emptied: Store, limit: int) -> None:
    [user] = emptied.add()
    noticed.add(emptied, user, count=120)
    found: list[int] = []
    has_more = True
    while has_more:
        with emptied.database.snapshot() as connection:
            page, has_more = bell.read(connection, user, found[-1] if found else MOST, limit)
        assert len(page) == min(limit, 120 - len(found))
        found += [one.seq for one in page]
    assert found == list(range(120, 0, -1))


def test_page_ends_before_it_is_too_large(emptied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    [user] = emptied.add()
    noticed.add(emptied, user, count=5)
    for most, seqs in ((1, [5]), (25, [5, 4]), (1000, [5, 4, 3, 2, 1])):  # {"number":4} has 12 characters
        monkeypatch.setattr(bell, "MOST_DATA", most)
        with emptied.database.snapshot() as connection:
            page, has_more = bell.read(connection, user, MOST, 500)
        assert ([one.seq for one in page], has_more) == (seqs, len(seqs) < 5)
