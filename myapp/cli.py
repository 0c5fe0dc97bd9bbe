"""The command line: people, tokens, other systems, telling users, test data, inboxes, the running workers.

It writes beside a running server, in batches.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from . import inbox
from .announcements import service as announcements
from .announcements import telling
from .announcements.batches import announce
from .auth import people, service
from .auth.passwords import hash_password
from .errors import AppError, Conflict, NotFound
from .extensions import Parts, database, parts
from .live_cli import live
from .notifications.content import check
from .notifications.notify import notify
from .retention import Retention
from .systems import service as systems
from .systems import tokens as system_tokens
from .systems.tokens import MOST_DAYS, SCOPES

BATCH = 200
#: Seconds between two looks at what another process does.
LOOK_EVERY = 0.2

users = AppGroup("users", help="People who may sign in.")
tokens = AppGroup("tokens", help="Bearer tokens of programs.")
systems_group = AppGroup("systems", help="Other systems, which notify users.")
inbox_group = AppGroup("inbox", help="Inboxes.")


def _fail(error: AppError) -> NoReturn:
    raise click.ClickException(error.detail)


def _fail_for(user: str, error: AppError) -> NoReturn:
    """Fail at what concerns `user`, who may not be there."""
    if isinstance(error, NotFound):
        raise click.ClickException(f"There is no user named {user!r}: `flask users add NAME` adds one.")
    _fail(error)


def _read_password(confirm: bool) -> str:
    """Asked for at a terminal; the first line of standard input otherwise."""
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm)
        return password
    return sys.stdin.readline().rstrip("\r\n")


@users.command("add")
@click.argument("name")
@click.option("--admin", is_flag=True, help="May use the pages of administrators.")
def add_user(name: str, admin: bool) -> None:
    """Add a user NAME. Without a password yet: set one with `flask users password NAME`."""
    try:
        with database().transaction() as transaction:
            person = people.create(transaction, name, None, is_admin=admin)
    except AppError as error:
        _fail(error)
    click.echo(f"added {person.name}")


@users.command("password")
@click.argument("name")
def set_password(name: str) -> None:
    """Set NAME's password, asked for or read from standard input. All sessions of NAME end."""
    try:
        with database().read() as connection:
            person = people.by_name(connection, name)
        password = _read_password(confirm=True)
        service.check_new_password(password)
        password_hash = hash_password(password)
        with database().transaction() as transaction:
            service.set_password(transaction, person.id, password_hash)
    except AppError as error:
        _fail_for(name, error)
    click.echo(f"password of {person.name} set")


@tokens.command("create")
@click.argument("user")
@click.option("--label", default="command line", show_default=True)
def create_token(user: str, label: str) -> None:
    """Print a new token of USER. It is shown this once."""
    try:
        with database().transaction() as transaction:
            person = people.by_name(transaction, user)
            made = service.create_token(transaction, person.id, label)
    except AppError as error:
        _fail_for(user, error)
    click.echo(made["token"])


@inbox_group.command("new-epoch")
def new_epoch() -> None:
    """After restoring a backup: have every client load its state anew."""
    with database().transaction() as transaction:
        click.echo(inbox.new_epoch(transaction))


@inbox_group.command("trim")
@click.option("--days", type=click.IntRange(1, 36500), help="Keep events for so long [default: MYAPP_KEEP_DAYS].")
def trim(days: int | None) -> None:
    """Delete events that are older; clients that stand before them are told to load their page anew."""
    days = days or parts().settings.keep_days
    if not days:
        raise click.ClickException("MYAPP_KEEP_DAYS is 0, which keeps events for ever: give --days")
    deleted = Retention(database(), days).run()
    click.echo(f"{deleted} events deleted")


@click.command("notify")
@click.argument("user")
@click.argument("text")
@click.option("--body", help="More of it.")
@click.option("--url", help="Where it leads.")
@click.option("--badge", help="A badge of its own that counts it, besides notifications.")
@click.option("--key", help="Tells it once, however often the command is run.")
@with_appcontext
def notify_user(user: str, text: str, body: str | None, url: str | None, badge: str | None, key: str | None) -> None:
    """Tell USER something."""
    try:
        notify(user, text, body=body, url=url, badge=badge, key=key)
    except AppError as error:
        _fail_for(user, error)
    click.echo(f"told {user}")


@click.command("announce")
@click.argument("title")
@click.option("--body", help="More of it.")
@click.option("--url", help="Where it leads.")
@click.option("--key", help="Announces it once, however often the command is run.")
@with_appcontext
def announce_to_all(title: str, body: str | None, url: str | None, key: str | None) -> None:
    """Tell everyone something, and wait until all are told. A running server goes on where this is stopped."""
    try:
        with database().transaction() as transaction:
            number, _ = announcements.create(transaction, check(title, body, url), key=key)
        found = _announced(number)
    except AppError as error:
        _fail(error)
    click.echo(f"announcement {number}: {found.reached} of {found.total} users told")


def _announced(number: int) -> announcements.Announcement:
    """How the announcement stands at its end, whoever has told of it: a running server may have been faster."""
    while True:
        with database().transaction() as transaction:
            is_mine = telling.claim(transaction, number)
        if is_mine:
            announce(database(), number)
        with database().read() as connection:
            found = announcements.by_number(connection, number)
        if found.finished_at is not None:
            return found
        time.sleep(LOOK_EVERY)


@systems_group.command("add")
@click.argument("name")
@click.option("--display-name", default="", help="How users see it.")
def add_system(name: str, display_name: str) -> None:
    """Add another system NAME, which may notify users with tokens of its own."""
    try:
        with database().transaction() as transaction:
            account = systems.create(transaction, name, display_name)
    except AppError as error:
        _fail(error)
    click.echo(f"added {account.name}")


@systems_group.command("token")
@click.argument("name")
@click.option("--label", default="command line", show_default=True)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it allows [default: all].")
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="When it ends [default: never].")
def create_system_token(name: str, label: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Print a new token of the system NAME. It is shown this once."""
    try:
        with database().transaction() as transaction:
            account = systems.by_name(transaction, name)
            made = system_tokens.create(transaction, account.id, label, scopes or SCOPES, days)
    except AppError as error:
        _fail(error)
    click.echo(made["token"])


@click.command("seed")
@click.option("--users", "count", type=click.IntRange(1, 1_000_000), required=True, help="How many: u1 to uN.")
@click.option("--tokens-out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@with_appcontext
def seed(count: int, tokens_out: Path) -> None:
    """Make users u1 to uN for tests (password "password"), and write lines "username token"."""
    password_hash = hash_password("password")
    with tokens_out.open("w") as out:
        for start in range(1, count + 1, BATCH):
            lines = []
            with database().transaction() as transaction:
                for number in range(start, min(start + BATCH, count + 1)):
                    name = f"u{number}"
                    try:
                        person = people.create(transaction, name, password_hash)
                    except Conflict:  # seeded before
                        person = people.by_name(transaction, name)
                    made = service.create_token(transaction, person.id, "seed")
                    lines.append(f"{name} {made['token']}\n")
            out.writelines(lines)
    click.echo(f"{count} users, tokens in {tokens_out}")


def init_app(app: Flask) -> None:
    """The commands; and at the end of each the database is closed, so that all of SQLite's is in its one file."""
    command = click.get_current_context(silent=True)  # where `flask` loads the application for one
    if command is not None:
        own: Parts = app.extensions["myapp"]
        command.find_root().call_on_close(own.database.close)
    app.cli.add_command(users)
    app.cli.add_command(tokens)
    app.cli.add_command(inbox_group)
    app.cli.add_command(systems_group)
    app.cli.add_command(notify_user)
    app.cli.add_command(announce_to_all)
    app.cli.add_command(live)
    app.cli.add_command(seed)
