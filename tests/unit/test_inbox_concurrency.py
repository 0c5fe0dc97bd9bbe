"""Many processes write to the same inboxes while somebody reads all the time: nothing is skipped, nothing twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path

from ..support import ROOT, environment
from . import noticed
from .conftest import Store

WRITERS = 8
APPENDS = 200
MIXED = 60


class Reader:
    """Follows an inbox by cursor in a thread of its own, as fast as it can, until `stop` and the end."""

    def __init__(self, store: Store, user: int) -> None:
        self.seqs: list[int] = []
        self.order: dict[int, list[int]] = defaultdict(list)  # what each writer wrote, in order of seq
        self.polls = 0
        self.error: BaseException | None = None
        self.stop = threading.Event()
        self._store = store
        self._user = user
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._follow()
        except BaseException as error:
            self.error = error

    def _follow(self) -> None:
        cursor = 0
        dice = random.Random(self._user)
        while True:
            is_last = self.stop.is_set()
            page = self._store.after(self._user, cursor, limit=dice.choice((1, 5, 100)))
            self.polls += 1
            assert not page.reset
            assert page.seq <= page.latest
            assert json.loads(page.badges)["messages"] == page.latest  # badges and seq belong together
            for event in page.events:
                data = json.loads(event.text)["data"]
                self.seqs.append(event.seq)
                self.order[data["writer"]].append(data["number"])
            cursor = page.seq
            if is_last and cursor == page.latest:
                return

    def finish(self) -> None:
        self.stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error


def write(folder: Path, database_url: str, commands: list[list[object]]) -> None:
    """Have as many processes write, which begin together; all must end well."""
    words = [str(word) for command in commands for word in ("--", *command)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.inbox_writer", *words[1:]],
        cwd=ROOT,
        env=environment(folder, database_url),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


def test_reader_is_given_all_that_many_processes_write_once_and_in_order(
    store: Store, tmp_path: Path, database_url: str
) -> None:
    users = store.add(2)
    readers = [Reader(store, user) for user in users]
    try:
        commands: list[list[object]] = [["append", writer, APPENDS, *users] for writer in range(WRITERS)]
        write(tmp_path, database_url, commands)
    finally:
        for reader in readers:
            reader.finish()
    for user, reader in zip(users, readers, strict=True):
        latest = store.head(user).seq
        assert reader.seqs == list(range(1, latest + 1))
        # order of seq is order of commit: what one writer wrote comes in the order in which it wrote
        assert all(numbers == sorted(set(numbers)) for numbers in reader.order.values())
        assert len(reader.order) == WRITERS
        assert reader.polls > 20
    written = Counter(
        (writer, number) for reader in readers for writer, numbers in reader.order.items() for number in numbers
    )
    assert len(written) == WRITERS * APPENDS


def test_whatever_people_do_at_once_does_not_deadlock_and_leaves_right_counts(
    store: Store, tmp_path: Path, database_url: str
) -> None:
    names = [f"user{number}" for number in range(1, 4)]
    users = store.add(len(names))
    store.write("UPDATE users SET is_admin = true WHERE name <> 'user1'")
    commands: list[list[object]] = [["mix", seed, MIXED, *names] for seed in range(4)]
    write(tmp_path, database_url, commands)
    with store.database.read() as connection:
        unread = dict(
            connection.driver.execute("SELECT user_id, sum(unread) FROM conversations GROUP BY user_id").fetchall()
        )
        counted = dict(
            connection.driver.execute(
                "SELECT to_id, count(*) FROM messages JOIN conversations ON user_id = to_id AND with_id = from_id "
                "WHERE messages.id > read_upto AND deleted_at IS NULL GROUP BY to_id"
            ).fetchall()
        )
        blanked, deleted = (
            connection.driver.execute(sql).fetchone()[0]
            for sql in (
                """SELECT count(*) FROM events WHERE kind = 'message' AND data LIKE '%"body":""%'""",
                "SELECT count(*) FROM messages WHERE deleted_at IS NOT NULL",
            )
        )
        twice = connection.driver.execute(
            "SELECT by_id, about_id FROM reports WHERE closed_at IS NULL GROUP BY by_id, about_id HAVING count(*) > 1"
        ).fetchall()
        told = connection.driver.execute(
            "SELECT user_id, sum(CASE WHEN seen THEN 0 ELSE 1 END) FROM events WHERE own_badge = 'reports' "
            "GROUP BY user_id"
        ).fetchall()
    assert blanked == 2 * deleted > 0
    assert twice == []
    assert len(told) == 2 and all(int(unseen) <= 1 for _user, unseen in told)
    for user in users:
        head = store.head(user)
        assert json.loads(head.badges)["messages"] == int(unread[user]) == counted.get(user, 0)
    noticed.check(store, users)
