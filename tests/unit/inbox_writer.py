"""Many processes that write to the same inboxes (run by test_inbox_concurrency).

    python -m tests.unit.inbox_writer COMMAND [-- COMMAND]...

A process for each command, forked as a server does it: after the imports, before any connection.

    append WRITER COUNT USER...    COUNT transactions, each with an event for one or several of the users, in whatever
                                   order
    send FROM TO COUNT             COUNT messages from one to the other

The database comes from the environment. Its status is 0 when all of them ended well.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from itertools import groupby

from myapp import create_app, inbox
from myapp.auth import people
from myapp.db import Database
from myapp.messages import service


def append(database: Database, writer: int, count: int, users: list[int]) -> None:
    dice = random.Random(writer)
    for number in range(1, count + 1):
        some = dice.sample(users, dice.choice((1, 1, 1, len(users))))
        with database.transaction() as transaction:
            inbox.lock(transaction, some)
            for user in some:
                data = {"writer": writer, "number": number}
                inbox.append(transaction, user, "note", data, badges={"messages": 1})


def send(database: Database, sender: str, receiver: str, count: int) -> None:
    with database.read() as connection:
        person = people.by_name(connection, sender)
    for number in range(1, count + 1):
        with database.transaction() as transaction:
            service.send(transaction, person, receiver, f"{sender} {number}")


def write(database: Database, what: str, *args: str) -> None:
    if what == "append":
        writer, count, *users = map(int, args)
        append(database, writer, count, users)
    else:
        sender, receiver, number = args
        send(database, sender, receiver, int(number))
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
