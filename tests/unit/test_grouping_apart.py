"""Transactions for the same thing begin some time apart, so that many share one; but nobody waits without need."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from myapp import grouping
from myapp.grouping import Grouping

from ..support import wait_for


class Instant:
    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield


class Scene:
    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.groups: list[tuple[str, list[int]]] = []
        self.grouping: Grouping[str, int, int] = Grouping(
            Instant(),  # type: ignore[arg-type]
            lambda transaction, key: None,
            lambda transaction, key, wishes: self.groups.append((key, list(wishes))) or wishes,  # type: ignore[func-returns-value]
        )
        self._pool = pool

    def ask(self, wish: int, key: str = "ann") -> Future[int]:
        """It is in a group when this returns."""
        asked = self._pool.submit(self.grouping.do, key, wish)
        wait_for(lambda: asked.done() or wish in self.waiting(key), "it is in a group")
        return asked

    def waiting(self, key: str) -> list[int]:
        group = self.grouping._open.get(key)
        return [] if group is None else list(group.wishes)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(grouping, "APART", 20.0)
    with ThreadPoolExecutor(10) as pool:
        yield Scene(pool)


def test_who_comes_soon_after_a_transaction_waits_for_others_until_as_many_are_there_as_it_takes(scene: Scene) -> None:
    assert scene.ask(1).result(10) == 1
    scene.grouping._most = 4
    asked = [scene.ask(wish) for wish in (2, 3, 4)]
    assert not any(one.done() for one in asked)
    asked.append(scene.ask(5))
    assert [one.result(10) for one in asked] == [2, 3, 4, 5]
    assert scene.groups == [("ann", [1]), ("ann", [2, 3, 4, 5])]


def test_who_comes_long_after_the_last_transaction_or_for_something_else_does_not_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scene.ask(1).result(10) == 1
    assert scene.ask(2, "bob").result(10) == 2
    monkeypatch.setattr(grouping, "APART", 0.0)
    assert scene.ask(3).result(10) == 3


def test_what_was_last_done_is_remembered_of_so_many_things(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_REMEMBERED", 2)
    for wish, key in enumerate(("ann", "bob", "cid")):
        assert scene.ask(wish, key).result(10) == wish
    assert scene.ask(7, "ann").result(10) == 7, "it was forgotten"
    assert len(scene.grouping._began) == 2
