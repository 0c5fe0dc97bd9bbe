"""The command line: people, tokens, test data, a restored backup, the running workers.

It writes beside a running server, in batches.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from . import inbox
from .auth import people, service
from .auth.passwords import hash_password
from .errors import AppError, Conflict
from .extensions import database
from .live_cli import live

BATCH = 200

users = AppGroup("users", help="People who may sign in.")
tokens = AppGroup("tokens", help="Bearer tokens of programs.")
inbox_group = AppGroup("inbox", help="Inboxes.")


def _fail(error: AppError) -> NoReturn:
    raise click.ClickException(error.detail)


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
        _fail(error)
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
        _fail(error)
    click.echo(made["token"])


@inbox_group.command("new-epoch")
def new_epoch() -> None:
    """After restoring a backup: have every client load its state anew."""
    with database().transaction() as transaction:
        click.echo(inbox.new_epoch(transaction))


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
    app.cli.add_command(users)
    app.cli.add_command(tokens)
    app.cli.add_command(inbox_group)
    app.cli.add_command(live)
    app.cli.add_command(seed)
