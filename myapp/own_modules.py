"""Modules of whoever runs the application, made part of it: MYAPP_MODULES names them, each has `init_app(app)`.

For their code: `signed_in`, `live_page` and `transaction`; besides, `notify` and the like (docs/adopt.md).
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from flask import Flask

from . import inbox
from .auth import guard
from .auth.service import Identity
from .db import Transaction
from .errors import ConfigError
from .extensions import database


def init_app(app: Flask, names: Sequence[str]) -> None:
    """Import each and call its `init_app(app)`. Raises ConfigError where there is no such module or function.

    What goes wrong within them is raised as it is: the traceback says where.
    """
    for name in names:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # something that the module itself wants
            raise ConfigError(
                f"MYAPP_MODULES: there is no module {name!r}: is its folder in PYTHONPATH, or is it installed?"
            ) from None
        if not callable(getattr(module, "init_app", None)):
            raise ConfigError(f"MYAPP_MODULES: {name} has no function init_app(app): give it one")
        before = Counter(_routes(app))
        module.init_app(app)
        for (method, rule), times in Counter(_routes(app)).items():
            if 0 < before[method, rule] < times:  # the second view would never be reached, and nothing would say so
                raise ConfigError(
                    f"MYAPP_MODULES: {name} has a view for {method} {rule}, which is taken: give it another address"
                )


def _routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Each method and address that there is a view for, once for each view."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule


def signed_in() -> Identity:
    """Who is signed in, for a view: with `id`, `name`, `display_name`. With a session whatever is not GET, HEAD or
    OPTIONS must carry the CSRF token.

    Raises what sends a browser to the page for signing in, and tells a program that it has to.
    """
    return guard.signed_in()


def live_page() -> dict[str, Any]:
    """What a template that extends `base.html` needs as `page`, to be live: where the user's inbox stands now.

    Call it before the page's own data is read: what happens in between is then told once more, and never missed.
    """
    with database().read() as connection:
        return inbox.head(connection, guard.signed_in().id).as_page()


def transaction() -> AbstractContextManager[Transaction]:
    """`with transaction() as tx:` - the transaction that the caller is in, or a new one. What `notify` and `emit` tell
    within it is told with its commit, or not at all. Keep it short: on SQLite no other write happens meanwhile.
    """
    return database().joined()
