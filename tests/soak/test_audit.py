"""The audit at a run's end finds each kind of breach, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from soak.audit import Segment
from soak.checker import Checker
from soak.ledger import Ack, Sent

from .someone import Story, event, stored


def lose_an_acknowledged_message(story: Story) -> None:
    story.tables = stored([("k1", "alice", "bob"), ("k2", "alice", "bob")])
    story.heard.segments[0].checker.events.pop()
    story.heard.badges["messages"] = 2


def lose_it_in_one_inbox(story: Story) -> None:
    inbox = story.tables.inboxes["alice"]
    inbox.events.pop()
    inbox.seq -= 1


def store_it_twice(story: Story) -> None:
    inbox = story.tables.inboxes["alice"]
    inbox.seq += 1
    inbox.events.append({**inbox.events[-1], "seq": inbox.seq})


def store_a_message_that_nobody_sent(story: Story) -> None:
    story.ledger.sent.pop("k2")


def store_another_text(story: Story) -> None:
    story.ledger.sent["k2"].body = "k2 ho"


def acknowledge_another_id(story: Story) -> None:
    story.ledger.sent["k2"].ack = Ack(7, 2, 2.5)


def put_it_into_a_foreign_inbox(story: Story) -> None:
    story.ledger.sent["k3"].to = "carol"


def make_a_hole(story: Story) -> None:
    del story.tables.inboxes["alice"].events[1]


def store_a_wrong_badge(story: Story) -> None:
    story.tables.inboxes["bob"].badges["messages"] = story.heard.badges["messages"] = 2


def store_a_badge_of_nothing(story: Story) -> None:
    story.tables.inboxes["alice"].badges["likes"] = 1


def give_a_reader_less(story: Story) -> None:
    story.heard.segments[0].checker.events.pop()


def give_a_reader_more(story: Story) -> None:
    story.heard.segments[0].checker.events.append(event(4, 4, "alice", "bob", "k4 hi"))


def give_a_reader_something_else(story: Story) -> None:
    story.heard.segments[0].checker.events[1] = event(2, 2, "alice", "bob", "k2 ho")


def give_a_reader_a_wrong_badge(story: Story) -> None:
    story.heard.badges["messages"] = 2


def reset_a_reader_twice(story: Story) -> None:
    story.heard.segments.append(Segment("e0", Checker(3)))


BREACHES: list[Callable[[Story], None]] = [
    lose_an_acknowledged_message,
    lose_it_in_one_inbox,
    store_it_twice,
    store_a_message_that_nobody_sent,
    store_another_text,
    acknowledge_another_id,
    put_it_into_a_foreign_inbox,
    make_a_hole,
    store_a_wrong_badge,
    store_a_badge_of_nothing,
    give_a_reader_less,
    give_a_reader_more,
    give_a_reader_something_else,
    give_a_reader_a_wrong_badge,
    reset_a_reader_twice,
]


def test_it_finds_nothing_where_all_is_well() -> None:
    assert Story().breaches() == []


@pytest.mark.parametrize("spoil", BREACHES)
def test_it_finds(spoil: Callable[[Story], None]) -> None:
    story = Story()
    spoil(story)
    assert story.breaches()


def test_what_was_never_acknowledged_may_be_there() -> None:
    story = Story()
    story.ledger.sent["k3"].ack = None
    assert story.breaches() == []


def test_what_was_never_acknowledged_may_be_missing() -> None:
    story = Story()
    story.ledger.send(Sent("k4", "alice", "bob", "k4 hi"))
    assert story.breaches() == []


def put_back(story: Story, *kept: str) -> None:
    """The database was put back at 4 s from a copy of 2.6 s, and has these."""
    story.ledger.begin("e1")
    story.ledger.restored(2.6, 4.0, 4.2)
    story.ledger.archive.append(story.tables)
    story.tables = stored([(key, "alice", "bob") for key in kept])
    story.heard.segments.append(Segment("e1", Checker(len(kept))))
    story.heard.badges.clear()


def test_what_was_acknowledged_after_the_copy_is_lost_by_definition() -> None:
    story = Story()
    put_back(story, "k1", "k2")
    assert story.breaches() == []


def test_what_was_acknowledged_before_the_copy_must_have_been_put_back() -> None:
    story = Story()
    put_back(story, "k1")
    assert story.breaches()


def test_what_was_acknowledged_after_the_restore_must_be_there() -> None:
    story = Story()
    put_back(story, "k1", "k2")
    story.ledger.send(Sent("k4", "alice", "bob", "k4 hi", Ack(3, 4.5, 4.6)))
    assert story.breaches()


def test_what_was_acknowledged_during_the_restore_must_be_before_or_after_it() -> None:
    story = Story()
    put_back(story, "k1", "k2")
    story.ledger.send(Sent("k4", "alice", "bob", "k4 hi", Ack(3, 3.9, 4.1)))
    assert story.breaches()
    story.tables = stored([(key, "alice", "bob") for key in ("k1", "k2", "k4")])
    story.heard.segments[-1].checker.events = story.tables.inboxes["bob"].events[2:]
    assert story.breaches() == []


def test_a_reader_that_was_not_told_of_the_restore_is_a_breach() -> None:
    story = Story()
    put_back(story, "k1", "k2")
    story.heard.segments.pop()
    assert story.breaches()


def test_what_a_reader_was_given_before_the_restore_is_compared_with_the_tables_of_then() -> None:
    story = Story()
    put_back(story, "k1", "k2")
    give_a_reader_something_else(story)
    assert story.breaches()
