"""Requests that are answered together: each once, none forgotten, whatever fails. By threads, and by greenlets."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from myapp import grouping
from myapp.errors import NotFound, Text
from myapp.grouping import Grouping

from ..support import ROOT, wait_for

KEY = "ann"


class Held:
    """A database whose transactions wait for `gate` before their COMMIT, and fail there with `failures`."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.failures: list[Exception] = []
        self.begun = self.committed = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.begun += 1
        yield
        assert self.gate.wait(20)
        if self.failures:
            raise self.failures.pop(0)
        self.committed += 1


class Scene:
    """Wishes are numbers. Each is answered with its double, one below 0 is refused, with 0 the work fails."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.database = Held()
        self.groups: list[tuple[str, list[int]]] = []
        self.locked: list[str] = []
        self.grouping: Grouping[str, int, int] = Grouping(
            self.database,  # type: ignore[arg-type]
            lambda transaction, key: self.locked.append(key),
            self.work,
        )
        self._pool = pool

    def work(self, transaction: object, key: str, wishes: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append((key, list(wishes)))
        if 0 in wishes:
            raise RuntimeError("as asked")
        return [2 * wish if wish > 0 else NotFound(Text("there is no such thing")) for wish in wishes]

    def ask(self, wish: int, key: str = KEY) -> Future[int]:
        return self._pool.submit(self.grouping.do, key, wish)

    def ask_all(self, *wishes: int, first: int = 1, key: str = KEY) -> list[Future[int]]:
        """These while the transaction of the first is at its COMMIT; each is there when the next one comes."""
        self.database.gate.clear()
        began = self.database.begun
        asked = [self.ask(first, key)]
        wait_for(lambda: self.database.begun > began and self.groups and self.groups[-1][1] == [first], "the first")
        for wish in wishes:
            asked.append(self.ask(wish, key))
            wait_for(lambda wish=wish: self.waiting(key)[-1:] == [wish], "it is in the group")
        self.database.gate.set()
        return asked

    def waiting(self, key: str) -> list[int]:
        """The wishes of the group that takes more in."""
        group = self.grouping._open.get(key)
        return [] if group is None else list(group.wishes)

    def is_at_rest(self) -> bool:
        return not self.grouping._open and not self.grouping._turns


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ThreadPoolExecutor(80) as pool:
        scene = Scene(pool)
        yield scene
        scene.database.gate.set()
    assert scene.is_at_rest()


def outcomes(asked: Sequence[Future[int]]) -> list[Any]:
    """The result of each, or what was raised."""
    return [future.exception(20) or future.result() for future in asked]


def test_who_comes_alone_is_answered_at_once_and_after_the_commit(scene: Scene) -> None:
    assert scene.grouping.do(KEY, 3) == 6
    assert (scene.database.committed, scene.locked, scene.groups) == (1, [KEY], [(KEY, [3])])
    assert scene.grouping.counts == {"wishes": 1, "transactions": 1}


def test_nobody_is_answered_before_the_commit(scene: Scene) -> None:
    scene.database.gate.clear()
    first = scene.ask(1)
    wait_for(lambda: scene.groups, "the work")
    assert not first.done()
    scene.database.gate.set()
    assert first.result(20) == 2


def test_who_comes_while_others_are_at_it_is_served_together_in_order(scene: Scene) -> None:
    asked = scene.ask_all(5, 3, 4, 3)
    assert outcomes(asked) == [2, 10, 6, 8, 6]
    assert scene.groups == [(KEY, [1]), (KEY, [5, 3, 4, 3])]
    assert scene.grouping.counts == {"wishes": 5, "transactions": 2}


def test_wishes_for_different_things_do_not_wait_for_each_other(scene: Scene) -> None:
    scene.database.gate.clear()
    asked = [scene.ask(1, "ann"), scene.ask(2, "bob")]
    wait_for(lambda: scene.database.begun == 2, "both are at work")
    scene.database.gate.set()
    assert outcomes(asked) == [2, 4]


def test_what_is_refused_is_raised_for_who_wished_it_alone(scene: Scene) -> None:
    asked = scene.ask_all(2, -1, 3, -2)
    results = outcomes(asked)
    assert [result for result in results if isinstance(result, int)] == [2, 4, 6]
    assert [type(result) for result in results if not isinstance(result, int)] == [NotFound, NotFound]
    assert results[2] is not results[4]


def test_work_that_fails_fails_for_all_of_its_group_and_for_no_others(scene: Scene) -> None:
    results = outcomes(scene.ask_all(5, 0, 7))
    assert results[0] == 2
    assert [str(result) for result in results[1:]] == ["as asked"] * 3
    assert scene.grouping.do(KEY, 4) == 8


def test_traceback_of_a_failure_does_not_grow_with_those_who_are_told_of_it(scene: Scene) -> None:
    """500 of them log it: each the way to where it failed, and not the ways of all others before."""
    results = outcomes(scene.ask_all(*[0] * 50))
    frames = traceback.extract_tb(results[-1].__traceback__)
    assert frames[-1].name == "work"
    assert len(frames) < 20


def test_commit_that_fails_fails_for_all_of_its_group(scene: Scene) -> None:
    scene.ask_all(first=9)[0].result(20)
    scene.database.failures = [OSError("no COMMIT"), OSError("no COMMIT")]
    results = outcomes(scene.ask_all(5, 6))
    assert [str(result) for result in results] == ["no COMMIT"] * 3
    assert scene.database.committed == 1
    assert scene.grouping.do(KEY, 4) == 8
    assert scene.grouping.counts == {"wishes": 2, "transactions": 2}


def test_lock_that_fails_is_raised(scene: Scene) -> None:
    def fail(transaction: object, key: str) -> None:
        raise LookupError(key)

    scene.grouping._lock_all = fail
    with pytest.raises(LookupError):
        scene.grouping.do(KEY, 1)
    assert scene.groups == []


def test_group_that_is_full_is_followed_by_another(scene: Scene) -> None:
    scene.grouping._most = 3
    wishes = list(range(2, 10))
    asked = scene.ask_all(*wishes)
    assert outcomes(asked) == [2 * wish for wish in (1, *wishes)]
    groups = [group for _, group in scene.groups]
    assert groups[0] == [1]
    assert sorted(groups[1:]) == [[2, 3, 4], [5, 6, 7], [8, 9]]


def test_groups_are_smaller_where_a_transaction_takes_long_and_greater_where_it_does_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "LONGEST", -1.0)
    for _ in range(10):
        scene.grouping.do(KEY, 1)
    assert scene.grouping._most == grouping.LEAST
    monkeypatch.setattr(grouping, "LONGEST", 1e9)
    scene.grouping.do(KEY, 1)
    assert scene.grouping._most == grouping.LEAST  # it was not full
    outcomes(scene.ask_all(*range(1, grouping.LEAST + 1)))
    assert scene.grouping._most == 2 * grouping.LEAST
    scene.grouping._most = 1
    monkeypatch.setattr(grouping, "MOST", 2)
    for _ in range(3):
        outcomes(scene.ask_all(1, 2))
    assert scene.grouping._most == 2


def test_everybody_is_answered_once_whatever_the_threads_do(scene: Scene) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    scene.grouping._most = 5
    try:
        with ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(scene.grouping.do, f"key{wish % 3}", wish) for wish in range(1, 1001)]
        assert outcomes(asked) == [2 * wish for wish in range(1, 1001)]
    finally:
        sys.setswitchinterval(before)
    assert sorted(wish for _, group in scene.groups for wish in group) == list(range(1, 1001))
    assert all(wish % 3 == int(key[3:]) for key, group in scene.groups for wish in group)
    assert scene.grouping.counts["wishes"] == 1000
    assert scene.grouping.counts["transactions"] == len(scene.groups)


#: In a process patched by gevent: the greenlet that leads a group is killed, in line or at work, and one that follows.
KILLED = """
from gevent import monkey
monkey.patch_all()
from contextlib import contextmanager
import gevent
from gevent.event import Event
from myapp.errors import Unavailable
from myapp.grouping import Grouping

gate, done, rolled_back = Event(), [], []

class Held:
    @contextmanager
    def transaction(self):
        try:
            yield
            gate.wait()
        except BaseException:
            rolled_back.append(1)
            raise

def work(transaction, key, wishes):
    done.extend(wishes)
    return [2 * wish for wish in wishes]

grouping = Grouping(Held(), lambda transaction, key: None, work)

def ask(*wishes):
    asked = [gevent.spawn(grouping.do, "ann", wish) for wish in wishes]
    gevent.sleep(0.01)
    return asked

def end(*asked):
    gate.set()
    gevent.joinall(asked, timeout=5)
    gate.clear()
    assert all(one.ready() for one in asked), "somebody waits for ever"
    assert not grouping._open and not grouping._turns
    return [type(one.exception) if one.exception else one.value for one in asked]

# whose group waits in line behind another one
first, = ask(1)
leader, follower = ask(2, 3)
leader.kill()
assert end(first, follower) == [2, Unavailable]
assert done == [1]

# in the middle of the transaction: those who came later are served
first, = ask(4)
later = ask(5, 6)
first.kill()
gevent.sleep(0.01)
assert rolled_back == [1]
assert end(*later) == [10, 12]

# in the middle, with those who share its transaction: they are told, at once
first, = ask(7)
leader, follower = ask(8, 9)
gate.set(); gate.clear()
gevent.sleep(0.01)
assert done[-2:] == [8, 9]
leader.kill()
assert end(first, follower) == [14, Unavailable]

# one who follows: what it wished is done
first, = ask(10)
leader, follower, other = ask(11, 12, 13)
follower.kill()
assert end(first, leader, other) == [20, 22, 26]
assert 12 in done

# many at once are one group, though nobody waits for anything: the first lets the others come
before = grouping.counts["transactions"]
grouping._most = 50  # it may be fewer by now: those above took as long as the gate was shut
gate.set()
asked = [gevent.spawn(grouping.do, "ann", wish) for wish in range(40)]
gevent.joinall(asked, timeout=5, raise_error=True)
assert grouping.counts["transactions"] - before == 1
print("well")
"""


def test_nobody_waits_for_ever_where_a_greenlet_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("well\n", 0), done.stderr
