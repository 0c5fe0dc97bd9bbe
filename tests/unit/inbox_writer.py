"""Many processes that write to the same inboxes (run by test_inbox_concurrency).

    python -m tests.unit.inbox_writer COMMAND [-- COMMAND]...

A process for each command, forked as a server does it: after the imports, before any connection.

    append WRITER COUNT USER...    COUNT transactions, each with an event for one or several of the users, in whatever
                                   order
    mix SEED COUNT NAME...         COUNT transactions of all kinds among these people

The database comes from the environment. Its status is 0 when all of them ended well.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from itertools import groupby

from myapp import create_app, inbox
from myapp.auth import people, pictures, service
from myapp.db import Database
from myapp.messages import service as messages


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
        me, other = dice.sample(everybody, 2)
        with database.read() as connection:
            found = messages.list_conversations(connection, me)
        upto = max((one["last"]["id"] for one in found if one["with"] == other.name), default=0)
        with database.transaction() as transaction:
            match dice.choice(("send", "send", "read", "both", "seen", "rename", "picture", "session")):
                case "send":
                    messages.send(transaction, me, other.name, f"{seed} {number}", f"{seed} {number}")
                case "read":
                    messages.mark_read(transaction, me, other.name, upto)
                case "both":
                    messages.send(transaction, me, other.name, f"{seed} {number}")
                    messages.mark_read(transaction, me, other.name, upto)
                case "seen":
                    inbox.mark_seen(transaction, me.id, ["likes"], 0)
                case "rename":
                    people.rename(transaction, me.id, f"Called {seed} {number}")
                case "picture":
                    pictures.store(transaction, me.id, b"a picture")
                case "session":
                    service.start_session(transaction, me.id, "::1", "test")
                    service.create_token(transaction, me.id, "test")
                    service.set_password(transaction, me.id, "a hash")


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
