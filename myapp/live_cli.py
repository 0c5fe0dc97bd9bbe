"""`flask live`: how the running workers are, who is connected, and sending everybody away."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

import click
from flask.cli import AppGroup

from .extensions import parts
from .operations import PATH, sign

live = AppGroup("live", help="The running workers: asked by HTTP where MYAPP_HOST and MYAPP_PORT say, or at --url.")

PATIENCE = 10.0
at_url = click.option("--url", help="Where they answer, as http://127.0.0.1:8000.")


def _ask(url: str | None, **question: Any) -> dict[str, Any]:
    """What each worker answers, by its name. Raises ClickException with what went wrong."""
    settings = parts().settings
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    url = url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    body = json.dumps(question).encode()
    headers = {"Authorization": f"Bearer {sign(settings.secret_key, body)}", "Content-Type": "application/json"}
    request = urllib.request.Request(url.rstrip("/") + PATH, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            workers: dict[str, Any] = json.load(answer)["workers"]
            return workers
    except urllib.error.HTTPError as error:
        raise click.ClickException(_detail(error)) from None
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{url} does not answer: {error}; give --url, or start the server") from None


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError):
        return f"{error.url} answered {error.code}: is it this application, with the same MYAPP_SECRET_KEY?"


@live.command("stats")
@at_url
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def stats(url: str | None, as_json: bool) -> None:
    """How many wait in each worker, and how it goes."""
    workers = _ask(url, question="stats")
    if as_json:
        click.echo(json.dumps(workers, indent=2))
        return
    for name, said in workers.items():
        clients = ", ".join(f"{count} {transport}" for transport, count in said["clients"].items()) or "no clients"
        state = "draining" if said["draining"] else "ok"
        click.echo(f"{name}  {clients} of {said['users']} users; {state}, bus {said['bus']}, {said['lag_ms']} ms late")
        counts = ("delivered", "catch_ups", "sweep_finds", "callback_failures")
        click.echo(" " * len(name) + "  " + ", ".join(f"{key} {said[key]}" for key in counts))


@live.command("who")
@click.argument("user")
@at_url
def who(user: str, url: str | None) -> None:
    """USER's clients, in all workers."""
    workers = _ask(url, question="who", user=user)
    found = [(name, client) for name, clients in workers.items() for client in clients]
    for name, client in found:
        known = {**client, "address": client["address"] or "-"}
        click.echo("{0}  {transport}  seq {seq}  {state}  {grant}  {address}".format(name, **known))
    if not found:
        click.echo(f"{user} is not connected")


@live.command("drain")
@click.option("--seconds", type=click.FloatRange(0, 3600), help="Over how many [default: MYAPP_DRAIN_SECONDS].")
@click.option("--everywhere", is_flag=True, help="The workers of all hosts, not only of this one.")
@at_url
def drain(seconds: float | None, everywhere: bool, url: str | None) -> None:
    """Send all clients of this host away, one by one, and take none in until it is restarted. Pages go on."""
    workers = _ask(url, question="drain", seconds=seconds, host="" if everywhere else socket.gethostname())
    drained = {name: said for name, said in workers.items() if said is not None}
    for name, said in drained.items():
        click.echo(f"{name}  {said['clients']} clients within {said['seconds']:g} s")
    if not drained:
        raise click.ClickException("no worker of this host answered: --everywhere asks those of others")
