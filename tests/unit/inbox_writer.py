"""One of many processes that write to the same inboxes (run by test_inbox_concurrency).

    python -m tests.unit.inbox_writer append WRITER COUNT USER...    COUNT transactions, each with an event for one or
                                                                     several of the users, in whatever order
    python -m tests.unit.inbox_writer send FROM TO COUNT             COUNT messages from one to the other

The database comes from the environment. It says "ready" and waits for a line before it begins.
"""

from __future__ import annotations

import random
import sys

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


def main(what: str, *args: str) -> None:
    database: Database = create_app().extensions["myapp"].database
    print("ready", flush=True)
    sys.stdin.readline()
    if what == "append":
        writer, count, *users = map(int, args)
        append(database, writer, count, users)
    else:
        sender, receiver, number = args
        send(database, sender, receiver, int(number))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
