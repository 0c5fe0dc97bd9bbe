"""Imports point downward only: the table below is docs/architecture.md's picture, read from the sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import myapp

ROOT = Path(myapp.__file__).parent

#: What a module may import of ours. A name stands for the module and, if it is a package, for all within; the longest
#: name that fits counts. `live` is listed module by module: its parts are layered among themselves.
ALLOWED: dict[str, set[str]] = {
    # the bottom
    "errors": set(),
    "config": {"errors"},
    "postgres": set(),
    "postgres_pool": {"postgres"},
    "statements": set(),
    "texts": {"errors"},
    "own_words": {"errors"},
    "tokens": {"errors", "texts"},
    "db": {"errors", "postgres", "postgres_pool", "statements"},
    "pieces": {"db"},
    "changed": set(),
    # events and badges: the only place that assigns a seq
    "inbox": {"db", "errors", "inbox", "pieces", "statements"},
    # sockets: knows nothing of ours but itself
    "live": set(),
    "live.batches": {"live.frames"},
    "live.histogram": set(),
    "live.bus": {"live.frames"},
    "live.memory_bus": {"live.bus"},
    "live.redis_link": set(),
    "live.redis_publisher": {"live.redis_link"},
    "live.redis_subscriptions": {"live.bus", "live.redis_link"},
    "live.redis_bus": {
        "live.bus",
        "live.frames",
        "live.redis_link",
        "live.redis_publisher",
        "live.redis_subscriptions",
    },
    "live.limits": set(),
    "live.peers": {"live.bus", "live.presence"},
    "live.draining": {"live.clients", "live.frames"},
    "live.inspection": {"live.clients"},
    "live.reader": {"live.frames"},
    "live.poller": set(),
    "live.anteroom": {"live.sweep", "live.takeover"},
    "live.places": set(),
    "live.grants": {"live.frames"},
    "live.clients": {"live.frames", "live.poller", "live.takeover"},
    "live.topic": set(),
    "live.pace": {"live.clients"},
    "live.current": {"live.topic"},
    "live.returns": {"live.current", "live.pace", "live.topic"},
    "live.wishes": {"live.clients"},
    "live.stored": {"live.bus", "live.current", "live.pace", "live.topic"},
    "live.topics": {
        "live.bus",
        "live.clients",
        "live.current",
        "live.pace",
        "live.returns",
        "live.stored",
        "live.topic",
        "live.wishes",
    },
    "live.presence": {"live.topic"},
    "live.typing": {"live.topic"},
    "live.websocket": {"live.clients", "live.frames", "live.reader", "live.topic", "live.topics"},
    "live.long_poll": {"live.clients", "live.frames", "live.topic"},
    "live.stream": {"live.clients", "live.frames", "live.topic"},
    "live.rounds": set(),
    "live.sweep": {"live.bus", "live.clients", "live.rounds"},
    "live.catching_up": {"live.batches", "live.clients", "live.frames", "live.sweep"},
    "live.handing_out": {"live.batches", "live.bus", "live.catching_up", "live.clients"},
    "live.delivery": {
        "live.bus",
        "live.catching_up",
        "live.clients",
        "live.frames",
        "live.grants",
        "live.handing_out",
        "live.places",
        "live.stored",
    },
    "live.slow_clients": {"live.clients", "live.draining", "live.frames"},
    "live.dispatcher": {
        "live.bus",
        "live.catching_up",
        "live.clients",
        "live.delivery",
        "live.draining",
        "live.frames",
        "live.grants",
        "live.handing_out",
        "live.histogram",
        "live.inspection",
        "live.limits",
        "live.peers",
        "live.places",
        "live.poller",
        "live.presence",
        "live.slow_clients",
        "live.sweep",
        "live.topics",
        "live.typing",
    },
    # what happens to data: no HTTP, no bus
    "auth.models": {"db"},
    "beside": set(),
    "auth.passwords": {"beside"},
    "auth.display_names": {"errors"},
    "auth.initials": {"auth.display_names"},
    "auth.people": {"auth.display_names", "auth.models", "db", "errors", "inbox", "statements", "texts"},
    "auth.pictures": {"auth.models", "auth.people", "beside", "db", "errors", "statements", "texts"},
    "auth.guests": {"auth.people", "db", "errors"},
    "auth.blocks": {"auth.models", "auth.people", "db", "errors", "statements"},
    # below accounts: a system's token says who is asking, as a user's does
    "systems.models": {"db"},
    "systems.names": {"auth.models", "db", "statements", "systems.models"},
    "systems.tokens": {"db", "errors", "statements", "systems.models", "tokens"},
    "auth.uses": {"db", "grouping"},
    "auth.service": {
        "auth.models",
        "auth.passwords",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "statements",
        "systems.models",
        "systems.names",
        "systems.tokens",
        "texts",
        "tokens",
    },
    "systems.service": {
        "auth.display_names",
        "auth.models",
        "auth.people",
        "db",
        "errors",
        "statements",
        "systems.models",
        "systems.names",
        "systems.tokens",
        "texts",
    },
    "notifications.models": {"db"},
    "notifications.content": {"errors", "notifications.kinds", "texts"},
    "notifications.kinds": {"errors", "inbox", "own_words"},
    "notifications.preferences": {"db", "inbox", "notifications.models", "statements"},
    "notifications.service": {
        "db",
        "errors",
        "inbox",
        "notifications.content",
        "notifications.kinds",
        "notifications.models",
        "notifications.preferences",
        "statements",
        "texts",
    },
    "notifications.bell": {"db", "inbox", "notifications.kinds"},
    "reports": set(),
    "reports.service": {
        "auth.models",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "messages.models",
        "notifications.content",
        "notifications.kinds",
        "notifications.service",
        "posts.models",
        "reports.models",
        "statements",
        "texts",
    },
    "reports.shapes": {"shapes"},
    "reports.forms": {"forms"},
    "reports.views": {"auth", "errors", "extensions", "inbox", "openapi", "reports", "web"},
    # what is found, and where to look for it
    "search.models": {"db"},
    "search.words": set(),
    "search.query": {"errors", "search.words"},
    "search.snippets": set(),
    "search.index": {
        "db",
        "messages.models",
        "posts.models",
        "search.models",
        "search.query",
        "search.words",
        "statements",
    },
    "search.catching_up": {"db", "pieces", "search.index"},
    "search.service": {
        "auth.models",
        "auth.people",
        "db",
        "messages.models",
        "posts.models",
        "search.index",
        "search.query",
        "search.snippets",
        "search.words",
        "statements",
    },
    "reports.models": {"db"},
    "announcements.models": {"db"},
    "announcements.service": {
        "announcements.models",
        "auth.models",
        "db",
        "errors",
        "inbox",
        "notifications",
        "statements",
        "systems.models",
        "texts",
    },
    "announcements.telling": {
        "announcements.models",
        "auth.models",
        "db",
        "inbox",
        "notifications",
        "statements",
        "systems.models",
    },
    "announcements.batches": {"announcements.telling", "db", "pieces"},
    # requests of the same kind, in one transaction
    "grouping": {"db", "errors"},
    "posts.models": {"db"},
    "posts.mentions": set(),
    "posts.authors": set(),
    "posts.allowed": {"errors"},
    "posts.counts": {"auth.models", "changed", "db", "inbox", "posts.models", "statements"},
    "posts.topics": {"db", "live.topics", "posts.counts"},
    "posts.seeing": {"db", "inbox", "posts.models", "statements"},
    "posts.reacting": {
        "auth.blocks",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "notifications.kinds",
        "notifications.preferences",
        "posts.allowed",
        "posts.counts",
        "posts.models",
        "statements",
    },
    "posts.deleting": {
        "db",
        "errors",
        "inbox",
        "posts.counts",
        "posts.models",
        "posts.reacting",
        "search.service",
        "statements",
    },
    "posts.writing": {
        "auth.blocks",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "notifications.content",
        "notifications.preferences",
        "notifications.service",
        "posts.allowed",
        "posts.counts",
        "posts.mentions",
        "posts.models",
        "posts.reacting",
        "search.service",
        "statements",
        "texts",
    },
    "posts.reading": {
        "auth.models",
        "auth.people",
        "db",
        "posts.counts",
        "posts.models",
        "posts.reacting",
        "statements",
    },
    # work that takes a while: what is stored, what happens to it, and who runs it
    "tasks.models": {"db"},
    "tasks.results": {"beside", "texts"},
    "tasks.kinds": {"errors", "own_words", "refusals", "texts"},
    "tasks.stored": {"db", "errors", "statements", "systems.models", "tasks.kinds", "tasks.models"},
    "tasks.topics": {"db", "live.topics", "tasks.stored"},
    "tasks.service": {
        "changed",
        "db",
        "errors",
        "inbox",
        "notifications.kinds",
        "notifications.preferences",
        "own_words",
        "statements",
        "tasks.kinds",
        "tasks.models",
        "tasks.results",
        "tasks.stored",
        "texts",
    },
    "tasks.external": {
        "auth.models",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "notifications.content",
        "statements",
        "tasks.kinds",
        "tasks.models",
        "tasks.service",
        "tasks.stored",
    },
    "tasks.seeing": {"db", "inbox", "tasks.stored"},
    "tasks.recovery": {"db", "statements", "tasks.models", "tasks.service", "tasks.stored"},
    "tasks.keeping": {
        "db",
        "pieces",
        "statements",
        "tasks.models",
        "tasks.results",
        "tasks.service",
        "tasks.stored",
    },
    "tasks.run": {"auth.people", "beside", "errors", "tasks.results"},
    "tasks.interrupting": {"tasks.run"},
    "tasks.complaints": set(),
    "tasks.queue": {"tasks.complaints"},
    "tasks.beat": {
        "db",
        "statements",
        "tasks.complaints",
        "tasks.models",
        "tasks.run",
        "tasks.service",
        "tasks.stored",
    },
    "tasks.pulling": {"tasks.complaints", "tasks.queue", "tasks.run"},
    "tasks.worker": {
        "auth.people",
        "db",
        "errors",
        "own_words",
        "tasks.beat",
        "tasks.complaints",
        "tasks.interrupting",
        "tasks.kinds",
        "tasks.pulling",
        "tasks.queue",
        "tasks.results",
        "tasks.run",
        "tasks.service",
        "tasks.stored",
    },
    "tasks.running": {
        "config",
        "db",
        "inbox",
        "pieces",
        "tasks.beat",
        "tasks.complaints",
        "tasks.keeping",
        "tasks.queue",
        "tasks.recovery",
        "tasks.results",
        "tasks.service",
        "tasks.worker",
    },
    "messages.models": {"db"},
    "messages.topics": {"auth.people", "db", "errors", "live.topics"},
    "messages.service": {
        "auth.blocks",
        "auth.models",
        "auth.people",
        "db",
        "errors",
        "inbox",
        "messages.models",
        "search.service",
        "statements",
        "texts",
    },
    "messages.deleting": {"auth.people", "db", "errors", "inbox", "messages.models", "search.service", "statements"},
    # how pages show things
    "assets": set(),
    "links": set(),
    "times": set(),
    "pages": {"links", "times"},
    # what endpoints take and answer, in words and types: descriptions only
    "shapes": set(),
    "forms": set(),
    "auth.shapes": {"shapes"},
    "inbox.shapes": {"inbox.badges", "shapes"},
    "messages.shapes": {"inbox.shapes", "shapes"},
    "search.shapes": {"shapes"},
    "notifications.shapes": {"inbox.shapes", "shapes"},
    "posts.shapes": {"inbox.shapes", "shapes"},
    "systems.shapes": {"inbox.shapes", "shapes"},
    "tasks.shapes": {"inbox.shapes", "shapes"},
    "openapi": {"errors", "openapi", "shapes"},
    "openapi.views": {"openapi"},
    "about": {"inbox.shapes", "messages.shapes", "openapi", "posts.shapes", "tasks.shapes"},
    # around HTTP
    "forwarded": set(),
    # HTTP: a view parses, calls a service, shapes the answer
    "extensions": {"config", "db", "errors", "grouping"},
    "sessions": set(),
    "windows": set(),
    "asked": set(),
    "languages": set(),
    "refusals": {"errors"},
    "web": {"access", "db", "errors", "extensions", "refusals", "shapes"},
    "auth": {
        "access",
        "auth",
        "db",
        "errors",
        "extensions",
        "forms",
        "inbox",
        "openapi",
        "systems.tokens",
        "texts",
        "tokens",
        "web",
    },
    "auth.language": {"auth", "errors", "extensions", "languages", "web"},
    "messages": {"auth", "db", "errors", "extensions", "forms", "inbox", "messages", "openapi", "texts", "web"},
    # for code inside the application, in whatever transaction it is in
    "notifications": {"notifications"},
    "notifications.notify": {"auth.people", "db", "errors", "extensions", "inbox", "notifications"},
    "notifications.views": {
        "announcements.service",
        "auth",
        "db",
        "errors",
        "extensions",
        "inbox",
        "messages.shapes",
        "notifications",
        "openapi",
        "systems.service",
        "tasks.external",
        "texts",
        "web",
    },
    "posts": {
        "auth",
        "db",
        "errors",
        "extensions",
        "forms",
        "inbox",
        "links",
        "messages.shapes",
        "openapi",
        "posts",
        "texts",
        "web",
    },
    "announcements": set(),
    "tasks": {"tasks"},
    "tasks.start": {"auth.people", "errors", "extensions", "notifications.notify", "tasks"},
    "tasks.downloads": {"beside", "errors", "extensions", "tasks.stored"},
    "tasks.exporting": {
        "auth.people",
        "beside",
        "db",
        "errors",
        "extensions",
        "languages",
        "tasks.exporting",
        "tasks.kinds",
        "tasks.run",
    },
    "tasks.exporting.account": {"auth", "db", "notifications.preferences", "statements"},
    "tasks.exporting.reads": {"auth.models", "messages.models", "posts.models", "statements"},
    "tasks.exporting.rows": {"auth.people", "db", "statements", "tasks.exporting.reads"},
    "tasks.system_views": {
        "auth",
        "extensions",
        "notifications.content",
        "openapi",
        "shapes",
        "systems.fields",
        "systems.limits",
        "tasks",
        "texts",
        "web",
    },
    "tasks.pages": {
        "auth",
        "errors",
        "extensions",
        "inbox",
        "languages",
        "own_words",
        "systems.service",
        "tasks.kinds",
        "tasks.stored",
        "web",
    },
    "tasks.form_views": {"auth", "errors", "extensions", "tasks", "web"},
    "tasks.views": {"auth", "db", "errors", "extensions", "inbox", "openapi", "tasks", "texts", "web"},
    "search": set(),
    "search.views": {"auth", "db", "errors", "extensions", "inbox", "openapi", "search", "web"},
    "announcements.as_task": {
        "announcements.batches",
        "announcements.service",
        "announcements.telling",
        "db",
        "errors",
        "extensions",
        "inbox",
        "notifications.content",
        "tasks.kinds",
        "tasks.run",
        "tasks.service",
    },
    "announcements.views": {"announcements.service", "auth", "extensions", "inbox", "web"},
    "systems": set(),
    "systems.fields": {"inbox.badges", "notifications.content", "texts"},
    "systems.limits": {"errors", "extensions", "systems.tokens"},
    "systems.views": {
        "announcements.service",
        "auth",
        "db",
        "errors",
        "extensions",
        "notifications",
        "openapi",
        "pieces",
        "systems",
        "texts",
        "web",
    },
    "admin": set(),
    "admin.forms": {"forms", "systems.tokens"},
    "admin.reports": {"admin.views", "auth", "extensions", "inbox", "reports.service", "web"},
    "admin.views": {
        "admin.forms",
        "announcements.as_task",
        "announcements.service",
        "auth",
        "db",
        "errors",
        "extensions",
        "inbox",
        "notifications",
        "openapi",
        "reports.service",
        "retention",
        "systems.service",
        "systems.shapes",
        "systems.tokens",
        "texts",
        "web",
    },
    "messages.watching": {"errors", "extensions", "live", "openapi", "web"},
    "messages.parked": {"auth", "extensions", "inbox", "live", "messages.watching"},
    "messages.following_texts": set(),
    "messages.following": {
        "access",
        "auth",
        "errors",
        "extensions",
        "inbox",
        "live",
        "messages.following_texts",
        "messages.parked",
        "messages.shapes",
        "messages.watching",
        "openapi",
        "web",
    },
    "access": {"live.histogram"},
    "logs": {"access", "db"},
    "metrics_files": {"errors"},
    "metrics": {"access", "db", "live", "metrics_files"},
    "health": {"access", "db", "extensions", "inbox", "metrics", "openapi", "shapes", "tasks.recovery", "web"},
    # around the application
    "schema": {"db", "errors", "extensions"},
    "worker": {"", "chores", "db", "errors", "extensions", "logs", "schema", "tasks.complaints", "tasks.running"},
    "own_modules": {"auth", "db", "errors", "extensions", "inbox"},
    "retention": {"db", "inbox", "notifications.service", "pieces"},
    "chores": {"announcements.batches", "announcements.telling", "db", "retention", "search.catching_up"},
    "operations": {"auth", "errors", "extensions", "openapi", "shapes", "web"},
    "live_cli": {"extensions", "operations"},
    "cli": {
        "announcements",
        "auth",
        "errors",
        "extensions",
        "inbox",
        "live_cli",
        "notifications",
        "retention",
        "systems.service",
        "systems.tokens",
    },
    "under_uwsgi": set(),
    "server": {"", "errors", "extensions", "health", "live", "logs", "metrics_files", "schema", "under_uwsgi"},
}

#: What is only named in annotations (`if TYPE_CHECKING`), besides what may be imported.
NAMED: dict[str, set[str]] = {
    "extensions": {
        "auth.uses",
        "chores",
        "live.dispatcher",
        "posts.authors",
        "posts.counts",
        "posts.reacting",
        "tasks.running",
    },
    "live.places": {"live.clients"},
    "live.draining": {"live.clients", "live.dispatcher"},
    "live.delivery": {"live.dispatcher"},
    "live.inspection": {"live.dispatcher"},
    "live.handing_out": {"live.dispatcher", "live.places"},
    "live.grants": {"live.clients", "live.places"},
    "live.clients": {"live.dispatcher", "live.places", "live.topic"},
    "live.topic": {"live.clients"},
    "live.pace": {"live.topic"},
    "live.wishes": {"live.topic", "live.topics", "live.websocket"},
    "live.returns": {"live.long_poll"},
    "live.topics": {"live.websocket"},
    "live.websocket": {"live.dispatcher", "live.places"},
    "live.catching_up": {"live.dispatcher", "live.places"},
    "live.long_poll": {"live.dispatcher", "live.places"},
    "live.sweep": {"live.clients", "live.dispatcher", "live.places", "live.topic"},
}

#: Packages of others that a layer does without; a name stands for all that begin with it.
FORBIDDEN: dict[str, set[str]] = {
    "errors": {"flask", "werkzeug", "sqlalchemy", "gevent"},
    "config": {"flask", "werkzeug", "gevent"},
    "inbox": {"flask", "werkzeug", "gevent"},
    "live": {"flask", "werkzeug", "sqlalchemy", "psycopg", "sqlite3", "jinja2"},
    "live.frames": {"gevent", "socket", "flask", "sqlalchemy"},
    "live.reader": {"gevent", "socket", "flask", "sqlalchemy"},
    "live.handshake": {"gevent", "socket", "flask", "sqlalchemy"},
    "auth.service": {"flask", "werkzeug", "gevent"},
    "auth.people": {"flask", "werkzeug", "gevent"},
    "auth.pictures": {"flask", "werkzeug", "gevent"},
    "auth.initials": {"flask", "werkzeug", "gevent"},
    "auth.guests": {"flask", "werkzeug", "gevent"},
    "messages.service": {"flask", "werkzeug", "gevent"},
    "messages.deleting": {"flask", "werkzeug", "gevent"},
    "reports.service": {"flask", "werkzeug", "gevent"},
}


class Import(NamedTuple):
    name: str  # dotted; ours without `myapp.`, "" for the package itself
    is_ours: bool
    is_named_only: bool  # under `if TYPE_CHECKING`


def modules() -> dict[str, Path]:
    """All of our modules, but the top one, by their names without `myapp.`."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imports(source: str, package: str, known: set[str]) -> Iterator[Import]:
    """Every import of a module, also those inside functions. `package` is where relative imports start."""
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            full = ["myapp", *package.split(".")] if package else ["myapp"]
            base = full[: len(full) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            below = [f"{origin}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("myapp.") in known else origin for name in below]
        else:
            continue
        for name in names:
            is_ours = name == "myapp" or name.startswith("myapp.")
            short = name.removeprefix("myapp").removeprefix(".") if is_ours else name
            yield Import(short, is_ours, id(node) in typing_only)


def covers(layer: str, name: str) -> bool:
    return name == layer or (layer != "" and name.startswith(layer + "."))


def rule(table: dict[str, set[str]], module: str) -> set[str] | None:
    """What the longest name in the table says that fits the module."""
    fitting = [name for name in table if covers(name, module)]
    return table[max(fitting, key=len)] if fitting else None


def violations(module: str, source: str, known: set[str]) -> list[str]:
    """What a module imports and should not."""
    package = module if (ROOT / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]
    allowed = rule(ALLOWED, module)
    if allowed is None:
        return [f"{module} is in no layer: add it to the table"]
    named = NAMED.get(module, set())
    forbidden = rule(FORBIDDEN, module) or set()
    found = []
    for what in imports(source, package, known):
        if what.is_ours:
            ok = any(covers(layer, what.name) for layer in allowed)
            ok = ok or (what.is_named_only and any(covers(layer, what.name) for layer in named))
            if not ok:
                found.append(f"{module} imports myapp.{what.name}".rstrip("."))
        elif any(what.name.partition(".")[0].startswith(name) for name in forbidden):
            found.append(f"{module} imports {what.name}")
    return found


KNOWN = modules()


@pytest.mark.parametrize("module", sorted(KNOWN))
def test_module_imports_only_from_layers_below_it(module: str) -> None:
    assert violations(module, KNOWN[module].read_text(), set(KNOWN)) == []


def test_every_name_in_the_tables_is_a_module() -> None:
    named = {*ALLOWED, *NAMED, *FORBIDDEN, *(name for table in (ALLOWED, NAMED) for s in table.values() for name in s)}
    assert named - {""} - set(KNOWN) == set()


def test_layers_have_no_cycle() -> None:
    """Each module can be imported after all that it imports; modules of one package count one by one."""
    graph = {
        name: {
            what.name
            for what in imports(
                path.read_text(), name if path.stem == "__init__" else name.rpartition(".")[0], set(KNOWN)
            )
            if what.is_ours and not what.is_named_only and what.name in KNOWN
        }
        for name, path in KNOWN.items()
    }
    while leaves := [name for name, needs in graph.items() if not needs]:
        for name in leaves:
            del graph[name]
        for needs in graph.values():
            needs.difference_update(leaves)
    assert graph == {}


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("live.clients", "from flask import request", "live.clients imports flask"),
        ("live.dispatcher", "import sqlalchemy as sa", "live.dispatcher imports sqlalchemy"),
        ("live.sweep", "from ..db import Database", "live.sweep imports myapp.db"),
        ("live.sweep", "from .dispatcher import Dispatcher", "live.sweep imports myapp.live.dispatcher"),
        ("live.frames", "def late():\n    from .. import inbox", "live.frames imports myapp.inbox"),
        ("inbox.events", "from ..live.bus import News", "inbox.events imports myapp.live.bus"),
        ("inbox.events", "from .. import auth", "inbox.events imports myapp.auth"),
        (
            "messages.service",
            "from ..live.memory_bus import MemoryBus",
            "messages.service imports myapp.live.memory_bus",
        ),
        ("messages.service", "import flask", "messages.service imports flask"),
        ("messages.service", "from ..auth.views import bp", "messages.service imports myapp.auth.views"),
        ("auth.service", "from ..messages import service", "auth.service imports myapp.messages.service"),
        ("messages.views", "import myapp.live.dispatcher", "messages.views imports myapp.live.dispatcher"),
        ("web", "from . import create_app", "web imports myapp"),
        ("db", "from .config import Settings", "db imports myapp.config"),
        ("errors", "from . import config", "errors imports myapp.config"),
        ("config", "import flask_login", "config imports flask_login"),
        ("surprise", "", "surprise is in no layer: add it to the table"),
    ],
)
def test_made_up_violation_is_found_out(module: str, source: str, found: str) -> None:
    assert violations(module, source, set(KNOWN)) == [found]


def test_what_is_only_named_in_annotations_is_told_apart() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .dispatcher import Dispatcher\n"
    assert violations("live.sweep", source, set(KNOWN)) == []
    assert violations("live.reader", source, set(KNOWN)) == ["live.reader imports myapp.live.dispatcher"]
