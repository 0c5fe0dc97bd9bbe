"""What keeps its version and what gets a new one: long polls that come back are told of changes, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from myapp.live import current as module
from myapp.live.memory_bus import MemoryBus
from myapp.live.topics import Topics, Watch

A, B = Watch("fact:a", "fact:a"), Watch("fact:b", "fact:b")


class Poll:
    """As much of a parked client as Topics touches."""

    is_behind = False

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self.is_answered = False

    def give_change(self, snapshot: Any, encoded: Any) -> None:
        self.is_answered = True
        self.topics.forget(self)  # type: ignore[arg-type]


class Facts:
    """Topics of one kind, whose data a test sets."""

    def __init__(self) -> None:
        self.data = {"a": "1", "b": "1"}
        self.topics = Topics(lambda user, names: [], lambda keys: {}, MemoryBus())
        self.topics.providers["fact"] = self.data.__getitem__

    def change(self, name: str, data: str) -> None:
        self.data[name] = data
        self.topics.put(f"fact:{name}", data)

    def versions(self, *watches: Watch) -> list[int]:
        return [snapshot.version for snapshot in self.topics.current(watches)]

    def poll(self, have: int, *watches: Watch) -> Poll | None:
        """A long poll that is parked; None where it is answered at once."""
        poll = Poll(self.topics)
        self.topics.watch(poll, watches)  # type: ignore[arg-type]
        if self.topics.returns.answer_in(watches, [have] * len(watches)) is None:
            return poll
        self.topics.forget(poll)  # type: ignore[arg-type]
        return None

    def leave(self, poll: Poll) -> None:
        self.topics.forget(poll)  # type: ignore[arg-type]


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_what_has_not_changed_keeps_its_version_while_nobody_watches(facts: Facts) -> None:
    first = facts.versions(A, B)
    poll = facts.poll(max(first), A, B)
    assert poll is not None
    facts.leave(poll)
    assert facts.versions(A, B) == first


def test_what_changed_while_nobody_watched_is_newer_than_all_that_was_given(facts: Facts) -> None:
    before = facts.versions(A, B)
    facts.change("a", "2")
    after = facts.versions(A, B)
    assert after[0] > max(before)
    assert after[1] == before[1]


def test_who_has_nothing_is_answered_at_once_and_then_waits(facts: Facts) -> None:
    assert facts.poll(0, A, B) is None
    assert facts.poll(max(facts.versions(A, B)), A, B) is not None


def test_an_idle_watcher_is_never_answered_at_once(facts: Facts) -> None:
    have = max(facts.versions(A, B))
    for _ in range(100):
        poll = facts.poll(have, A, B)
        assert poll is not None
        facts.leave(poll)
        assert max(facts.versions(A, B)) == have


def test_a_change_in_the_gap_is_told_at_once_and_once(facts: Facts) -> None:
    have = max(facts.versions(A, B))
    facts.change("b", "2")
    assert facts.poll(have, A, B) is None
    assert facts.poll(max(facts.versions(A, B)), A, B) is not None


def test_a_change_back_in_the_gap_is_none(facts: Facts) -> None:
    have = max(facts.versions(A))
    facts.change("a", "2")
    facts.change("a", "1")
    assert facts.poll(have, A) is not None


def test_another_who_watched_meanwhile_does_not_hide_a_change(facts: Facts) -> None:
    have = max(facts.versions(A, B))
    other = facts.poll(have, A)
    assert other is not None
    facts.change("a", "2")
    assert other.is_answered
    facts.change("b", "2")
    facts.versions(A, B)
    assert facts.poll(have, A, B) is None


def test_what_an_earlier_process_gave_is_old(facts: Facts) -> None:
    assert facts.poll(facts.topics._current._began - 1000, A) is None


def test_where_more_is_watched_than_is_remembered_nobody_asks_in_a_circle(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 1)
    have = max(facts.versions(A, B))
    for _ in range(20):
        poll = facts.poll(have, A, B)
        assert poll is not None
        facts.leave(poll)
        have = max(facts.versions(A, B))


def test_what_is_remembered_is_bounded_and_the_latest(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    facts.data.update({str(number): "1" for number in range(50)})
    for number in range(50):
        facts.versions(Watch("", f"fact:{number}"))
    assert list(facts.topics._current._remembered) == [f"fact:{number}" for number in range(40, 50)]
