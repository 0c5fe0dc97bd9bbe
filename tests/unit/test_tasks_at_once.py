"""Those who claim, end, cancel and try again the same tasks at the same time."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from myapp.errors import Conflict
from myapp.tasks import beat
from myapp.tasks.stored import DONE, FAILED, RUNNING, Task

from . import noticed
from .conftest import Store
from .tasking import Tasking, kind_of

AT_ONCE, THREADS, STEPS = 2, 4, 30


@pytest.fixture
def tasking(emptied: Store) -> Iterator[Tasking]:
    with kind_of(lambda: None):
        yield Tasking(emptied)


def test_task_is_claimed_by_one_of_those_who_come_together(tasking: Tasking) -> None:
    (owner,) = tasking.store.add()
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(10):
            number = tasking.create(owner).id
            claims = list(threads.map(tasking.claim, [number] * THREADS))
            (run,) = [run for run in claims if run is not None]
            tasking.finish(run)
    assert tasking.badge(owner) == 10


def test_whatever_happens_at_once_nothing_is_lost_doubled_or_stands_still(tasking: Tasking) -> None:
    users = tasking.store.add(2)
    owners = {tasking.create(user).id: user for user in users for _ in range(4)}
    runs: list[Task] = []

    def claims(chance: random.Random) -> None:
        run = tasking.claim(chance.choice(list(owners)), AT_ONCE)
        if run is not None:
            runs.append(run)

    def tells(chance: random.Random) -> None:
        """Of several in one transaction, as a process does."""
        some = sorted(chance.sample(runs, min(4, len(runs))), key=lambda run: (run.id, run.attempt))
        with tasking.database.transaction() as transaction:
            for run in some:
                beat.store(transaction, run.id, run.attempt, chance.randrange(100))

    def ends(chance: random.Random) -> None:
        if runs:
            tasking.finish(chance.choice(runs), chance.choice((DONE, FAILED)))

    def changes_mind(chance: random.Random) -> None:
        number = chance.choice(list(owners))
        with contextlib.suppress(Conflict):  # it is done
            chance.choice((tasking.cancel, tasking.retry))(owners[number], number)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(STEPS):
            chance.choice((claims, claims, tells, ends, changes_mind, changes_mind))(chance)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))
    assert len({(run.id, run.attempt) for run in runs}) == len(runs)
    for user in users:
        check(tasking, user, [number for number, owner in owners.items() if owner == user])


def check(tasking: Tasking, user: int, numbers: list[int]) -> None:
    """What the user was told is what is stored, in order and without holes, and no more run than may."""
    told = tasking.states(user)
    for number in numbers:
        states = [state for one, state in told if one == number]
        assert states[-1] == tasking.find(number).state
        assert all(earlier != later for earlier, later in zip(states, states[1:], strict=False))
    assert sum(tasking.find(number).state == RUNNING for number in numbers) <= AT_ONCE
    with tasking.database.read() as connection:
        assert noticed.count_unseen(connection, user).get("tasks", 0) == tasking.badge(user)
        rows = connection.driver.execute(f"SELECT seq FROM events WHERE user_id = {user} ORDER BY seq").fetchall()
    assert [row[0] for row in rows] == list(range(1, tasking.store.head(user).seq + 1))
