"""Many processes that write to the same inboxes (run by test_inbox_concurrency).

    python -m tests.unit.inbox_writer COMMAND [-- COMMAND]...

A process for each command, forked as a server does it: after the imports, before any connection.

    append WRITER COUNT USER...    COUNT transactions, each with an event for one or several of the users, in whatever
                                   order
    mix SEED COUNT NAME...         COUNT transactions of all kinds among these people

The database comes from the environment. Its status is 0 when all of them ended well.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import traceback
from itertools import groupby
from random import Random

import psycopg

from myapp import create_app, inbox
from myapp.announcements import service as announcements
from myapp.announcements import telling
from myapp.auth import blocks, people, pictures, service
from myapp.auth.people import Person
from myapp.db import Database
from myapp.errors import Forbidden
from myapp.messages import deleting
from myapp.messages import service as messages
from myapp.notifications import preferences
from myapp.notifications import service as notices
from myapp.notifications.content import Content
from myapp.reports import service as reports

#: Who does something, and with whom.
Two = list[Person]


def append(database: Database, writer: int, count: int, users: list[int]) -> None:
    dice = random.Random(writer)
    for number in range(1, count + 1):
        some = dice.sample(users, dice.choice((1, 1, 1, len(users))))
        with database.transaction() as transaction:
            inbox.lock(transaction, some)
            for user in some:
                data = {"writer": writer, "number": number}
                inbox.append(transaction, user, "note", data, badges={"messages": 1})


def mix(database: Database, seed: int, count: int, names: list[str]) -> None:
    dice = random.Random(seed)
    with database.read() as connection:
        everybody = [people.by_name(connection, name) for name in names]
    for number in range(count):
        act = dice.choice(ACTS)
        chosen = dice.sample(everybody, 2)
        while True:
            try:
                act(database, dice, chosen, everybody, f"{seed} {number}")
                break
            except psycopg.errors.LockNotAvailable:  # an inbox before those that it held: the one failure allowed
                continue
            except Forbidden:  # blocked at the moment
                break


def write_message(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, other = chosen
    with database.read() as connection:
        found = messages.list_conversations(connection, me)
    upto = max((one["last"]["id"] for one in found if one["with"] == other.name), default=0)
    with database.transaction() as transaction:
        match dice.choice(("send", "read", "both", "delete")):
            case "delete":
                own = messages.history(transaction, me, other.name, messages.NO_LIMIT, 5).messages
                for one in [one for one in own if one["from"] == me.name][:1]:
                    deleting.delete(transaction, me, one["id"])
            case "send":
                messages.send(transaction, me, other.name, text, text)
            case "read":
                messages.mark_read(transaction, me, other.name, upto)
            case "both":
                messages.send(transaction, me, other.name, text)
                messages.mark_read(transaction, me, other.name, upto)


def block(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, other = chosen
    with contextlib.suppress(Forbidden), database.transaction() as transaction:
        people.lock_with(transaction, me.id, other.name)
        blocks.block(transaction, me.id, other.id)
        messages.send(transaction, me, other.name, text)  # later another process may have taken the block back
        raise AssertionError("somebody has written to whom they have blocked")
    with database.transaction() as transaction:
        people.lock_with(transaction, me.id, other.name)
        blocks.block(transaction, me.id, other.id)
    with database.transaction() as transaction:
        people.lock_with(transaction, me.id, other.name)
        blocks.unblock(transaction, me.id, other.id)


def report(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, other = chosen
    with database.transaction() as transaction:
        reports.report(transaction, me.id, reports.Subject(other, content=text), text)


def be_told(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, other = chosen
    with database.transaction() as transaction:
        match dice.choice(("one", "many", "again", "with a message")):
            case "one":
                badge = dice.choice((None, "orders", "bills"))
                notices.notify(transaction, me.id, Content(text, badge=badge))
            case "many":
                for person in (other, me, other):
                    notices.notify(transaction, person.id, Content(text, badge="orders"))
            case "again":
                notices.notify(transaction, me.id, Content("the same"), key=f"{dice.randint(0, 3)}")
            case "with a message":
                notices.emit(transaction, dice.choice(everybody).id, "like", {"post": 1, "by": me.name})
                messages.send(transaction, me, other.name, text)


def see(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, _ = chosen
    with database.read() as connection:
        seq = inbox.head(connection, me.id).seq
    with database.transaction() as transaction:
        match dice.choice(("some", "all", "badges")):
            case "some":
                inbox.mark_some_seen(transaction, me.id, dice.choices(range(seq + 1), k=5))
            case "all":
                inbox.mark_all_seen(transaction, me.id, dice.randint(0, seq))
            case "badges":
                inbox.mark_seen(transaction, me.id, ["likes", "notifications"], dice.randint(0, seq))


def change(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    me, _ = chosen
    with database.transaction() as transaction:
        match dice.choice(("rename", "picture", "session", "mute")):
            case "rename":
                people.rename(transaction, me.id, f"Called {text}")
            case "picture":
                pictures.store(transaction, me.id, b"a picture")
            case "session":
                service.start_session(transaction, me.id, "::1", "test")
                service.create_token(transaction, me.id, "test")
                service.set_password(transaction, me.id, "a hash")
            case "mute":
                preferences.mute(transaction, me.id, dice.choice(("like", "announcement")), dice.random() < 0.5)


def tell_everyone(database: Database, dice: Random, chosen: Two, everybody: list[Person], text: str) -> None:
    with database.transaction() as transaction:
        number, _ = announcements.create(transaction, Content(text, badge=dice.choice((None, "news"))))
    with contextlib.suppress(telling.Overtaken):
        while True:
            with database.transaction() as transaction:
                if telling.advance(transaction, number, 2):
                    break


ACTS = (*(write_message,) * 3, be_told, be_told, see, see, change, tell_everyone, block, report)


def write(database: Database, what: str, *args: str) -> None:
    if what == "append":
        writer, count, *users = map(int, args)
        append(database, writer, count, users)
    else:
        seed, number, *names = args
        mix(database, int(seed), int(number), names)
    database.close()


def begin(database: Database, command: list[str]) -> int:
    """A process of its own for this command; its number."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        write(database, *command)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main(*args: str) -> int:
    database: Database = create_app().extensions["myapp"].database
    commands = [list(words) for is_end, words in groupby(args, "--".__eq__) if not is_end]
    pids = [begin(database, command) for command in commands]
    return sum(os.waitpid(pid, 0)[1] != 0 for pid in pids)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
