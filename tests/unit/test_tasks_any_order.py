"""Whatever happens to tasks, in whatever order, with runs that come back late: nothing drifts.

After each step each task, its owner's events and the badge are what a model in plain Python says, versions only grow,
and where a task could run there is something in the queue that has it run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from myapp import inbox
from myapp.changed import Changed
from myapp.errors import Conflict, NotFound
from myapp.notifications import preferences
from myapp.tasks import topics
from myapp.tasks.service import MOST_DEATHS, Queued
from myapp.tasks.stored import CANCELLED, DONE, FAILED, QUEUED, RUNNING, UNFINISHED, Task

from .conftest import EMPTIED, Store
from .posting import EXAMPLES
from .tasking import Tasking, kind_of

#: Of one user so many run at once.
AT_ONCE = 2

owners = st.integers(0, 1)
#: Which of those that there are: the latest ones most.
chosen = st.one_of(st.integers(-3, -1), st.integers(0, 30))


@dataclass
class Model:
    """A task as it must be; `told` is the place of its last event, as long as that is to be seen."""

    number: int
    owner: int
    kind: str
    state: str = QUEUED
    attempt: int = 0
    deaths: int = 0
    is_silent: bool = False
    percent: int = 0


class Working(RuleBasedStateMachine):
    """Two users with tasks of two kinds, of which one may run again; and a queue that may double what is put in."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        with store.database.transaction() as transaction:
            for table in EMPTIED:
                transaction.driver.execute(f"DELETE FROM {table}")
        self.tasking = Tasking(store)
        self.store = store
        self.users = store.add(2)
        self.models: list[Model] = []
        self.runs: list[Task] = []
        self.keys: dict[tuple[int, str], Model] = {}
        self.queue: list[int] = []
        self.told: dict[int, list[tuple[int, str]]] = {user: [] for user in self.users}
        self.unseen: dict[int, set[int]] = {user: set() for user in self.users}
        self.muted: set[int] = set()
        self.versions: dict[str, int] = {}

    def tell(self, model: Model, state: str) -> None:
        """The state has changed: the owner is told."""
        model.state = state
        self.told[model.owner].append((model.number, state))
        if state in (DONE, FAILED) and model.owner not in self.muted:
            self.unseen[model.owner].add(model.number)

    def of(self, number: int) -> Model:
        return next(model for model in self.models if model.number == number)

    def running(self, owner: int) -> int:
        return sum(model.owner == owner and model.state == RUNNING for model in self.models)

    def next_of(self, model: Model) -> Model | None:
        """Which is to run where this one was taken from the queue."""
        waiting = [other for other in self.models if other.owner == model.owner and other.state == QUEUED]
        if not waiting or self.running(model.owner) >= AT_ONCE:
            return None
        return model if model in waiting else waiting[0]

    @initialize()
    def begin(self) -> None:
        self.start(0, "work", "")

    @rule(by=owners, kind=st.sampled_from(("work", "again")), key=st.sampled_from(("", "", "", "a", "b")))
    def start(self, by: int, kind: str, key: str) -> None:
        owner = self.users[by]
        before = self.keys.get((owner, key)) if key else None
        if before is not None and before.kind != kind:
            with pytest.raises(Conflict):
                self.tasking.create(owner, kind, key)
            return
        made = self.tasking.create(owner, kind, key or None)
        if before is not None:
            assert made.id == before.number
            return
        model = Model(made.id, owner, kind)
        self.models.append(model)
        if key:
            self.keys[owner, key] = model
        self.tell(model, QUEUED)

    @rule(which=chosen, is_doubled=st.booleans())
    def take(self, which: int, is_doubled: bool) -> None:
        """A worker takes something out of the queue."""
        if not self.queue:
            return
        at = which % len(self.queue)
        number = self.queue[at] if is_doubled else self.queue.pop(at)
        expected = self.next_of(self.of(number))
        claimed = self.tasking.claim(number, AT_ONCE)
        if expected is None:
            assert claimed is None
            return
        assert claimed is not None
        assert claimed.id == expected.number
        expected.attempt += 1
        expected.is_silent = False
        expected.percent = 0
        assert claimed.attempt == expected.attempt
        self.runs.append(claimed)
        self.tell(expected, RUNNING)

    def run(self, which: int) -> tuple[Task | None, Model | None, bool]:
        """One of all runs that there ever were, and whether its task is still its own."""
        if not self.runs:
            return None, None, False
        run = self.runs[max(which, -len(self.runs)) if which < 0 else which % len(self.runs)]
        model = self.of(run.id)
        return run, model, model.state == RUNNING and model.attempt == run.attempt

    @rule(which=chosen, percent=st.integers(0, 100))
    def progress(self, which: int, percent: int) -> None:
        run, model, is_its_own = self.run(which)
        if run is not None and model is not None:
            assert self.tasking.progress(run, percent) == is_its_own
            if is_its_own:
                model.percent, model.is_silent = percent, False

    @rule(which=chosen, state=st.sampled_from((DONE, FAILED)))
    def finish(self, which: int, state: str) -> None:
        run, model, is_its_own = self.run(which)
        if run is not None and model is not None:
            ended = self.tasking.finish(run, state, None if state == DONE else "broken")
            assert (ended is not None) == is_its_own
            if is_its_own:
                self.tell(model, state)
                model.percent = 100 if state == DONE else model.percent

    @rule(which=chosen)
    def put_back(self, which: int) -> None:
        run, model, is_its_own = self.run(which)
        if run is not None and model is not None:
            assert self.tasking.put_back(run) == is_its_own
            if is_its_own:
                self.wait_again(model, model.deaths)

    def wait_again(self, model: Model, deaths: int) -> None:
        model.deaths, model.percent = deaths, 0
        self.tell(model, QUEUED)

    @rule(which=chosen, is_silent=st.booleans())
    def give_up(self, which: int, is_silent: bool) -> None:
        run, model, is_its_own = self.run(which)
        if run is None or model is None:
            return
        if is_silent:
            self.tasking.fall_silent(model.number)
            model.is_silent = True
        seen = self.tasking.find(run.id)._replace(attempt=run.attempt)
        given_up = self.tasking.give_up(seen)
        assert (given_up is not None) == (is_its_own and model.is_silent)
        if given_up is None:
            return
        if model.kind == "again" and model.deaths + 1 < MOST_DEATHS:
            self.wait_again(model, model.deaths + 1)
        else:
            self.tell(model, FAILED)

    def agree(self, by: int, model: Model, allowed: tuple[str, ...], do: Callable[[int, int], Any]) -> bool:
        """Both do it, or both refuse; whether it was allowed."""
        owner = self.users[by]
        refused = NotFound if owner != model.owner else None if model.state in allowed else Conflict
        if refused is None:
            do(owner, model.number)
            return True
        with pytest.raises(refused):
            do(owner, model.number)
        return False

    @rule(by=owners, which=chosen)
    def cancel(self, by: int, which: int) -> None:
        model = self.models[which % len(self.models)]
        is_done = self.agree(by, model, (*UNFINISHED, CANCELLED), self.tasking.cancel)
        if is_done and model.state in UNFINISHED:
            self.tell(model, CANCELLED)

    @rule(by=owners, which=chosen)
    def retry(self, by: int, which: int) -> None:
        model = self.models[which % len(self.models)]
        is_done = self.agree(by, model, (*UNFINISHED, FAILED, CANCELLED), self.tasking.retry)
        if is_done and model.state not in UNFINISHED:
            self.unseen[model.owner].discard(model.number)
            self.wait_again(model, 0)

    @rule(by=owners, is_muted=st.sampled_from((None, None, True, False)))
    def look_or_mute(self, by: int, is_muted: bool | None) -> None:
        user = self.users[by]
        with self.store.database.transaction() as transaction:
            if is_muted is None:
                inbox.mark_seen(transaction, user, ["tasks"], self.store.head(user).seq)
                self.unseen[user].clear()
            else:
                preferences.mute(transaction, user, "task", is_muted)
                (self.muted.add if is_muted else self.muted.discard)(user)

    @invariant()
    def nothing_drifts(self) -> None:
        for model in self.models:
            row = self.tasking.find(model.number)
            assert (row.state, row.attempt, row.deaths) == (model.state, model.attempt, model.deaths)
            assert row.progress == model.percent
            assert (row.finished_at is None) == (row.state in UNFINISHED)
        for user in self.users:
            assert self.tasking.states(user) == self.told[user]
            assert self.tasking.badge(user) == len(self.unseen[user]) == self.count(user)
            assert self.running(user) <= AT_ONCE
        self.check_news()
        for user in self.users:
            waits = any(model.owner == user and model.state == QUEUED for model in self.models)
            has_entry = any(self.of(number).owner == user for number in self.queue)
            assert has_entry or not waits or self.running(user) == AT_ONCE

    def count(self, user: int) -> int:
        """What is to be seen of tasks, counted anew; and the inbox has no holes."""
        with self.store.database.read() as connection:
            sql = f"SELECT seq, seen, badge FROM events WHERE user_id = {user} ORDER BY seq"
            rows = connection.driver.execute(sql).fetchall()
        assert [seq for seq, *_ in rows] == list(range(1, self.store.head(user).seq + 1))
        return sum(badge == "tasks" and not seen for _, seen, badge in rows if seen is not None)

    def check_news(self) -> None:
        """Versions only grow, what was told last is what is current, and one change of state is told once."""
        last: dict[str, Changed] = {}
        for item in self.tasking.news:
            if isinstance(item, Changed):
                assert item.version > self.versions.get(item.topic, 0)
                self.versions[item.topic] = item.version
                last[item.topic] = item
            elif isinstance(item, Queued):
                self.queue.append(item.number)
        self.tasking.news.clear()
        with self.store.database.read() as connection:
            assert topics.read(connection, list(last)) == {key: (new.version, new.data) for key, new in last.items()}
        assert max(Counter(self.queue).values(), default=0) < 50


def test_nothing_drifts_whatever_happens_to_tasks_in_whatever_order(emptied: Store) -> None:
    def nothing() -> None:
        pass

    examples = EXAMPLES * (25 if emptied.database.dialect == "sqlite" else 6)
    with kind_of(nothing), kind_of(nothing, "again", again=True):
        run_state_machine_as_test(
            lambda: Working(emptied), settings=settings(max_examples=examples, stateful_step_count=40, deadline=None)
        )
