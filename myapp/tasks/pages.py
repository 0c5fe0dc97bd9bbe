"""Tasks as pages for people: one's own, the part that scripts put into that page, and what every page says of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flask import render_template, request, url_for
from flask_login import current_user

from .. import inbox, languages, own_words
from ..auth.service import Identity
from ..errors import Text
from ..extensions import database
from ..systems import service as systems
from ..web import MAX_SEQ, translated
from . import kinds, stored
from .stored import DONE, AtWork, Task

#: Tasks on one page.
PAGE = 30
#: The head of a page shows the progress of so many: a client can watch 50 topics, and a page has its own.
AT_WORK = 10
#: What one can start on the page, if there is such a kind.
OFFERED = ("export-messages",)


def page(me: Identity, before: int, error: str | None = None) -> str:
    """With what went wrong with what was to be started."""
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        found = stored.listed(connection, me.id, before, PAGE + 1)
        shown = systems.shown_names(connection, _sources(found))
    offered = [name for name in OFFERED if kinds.find(name) is not None]
    content = _content(found, shown, before)
    return render_template(
        "tasks/page.html", page=page, offered=offered, key=secrets.token_urlsafe(16), error=error, **content
    )


def part(me: Identity, before: int) -> str:
    """The tasks of the page, as they are now."""
    with database().snapshot() as connection:
        found = stored.listed(connection, me.id, before, PAGE + 1)
        shown = systems.shown_names(connection, _sources(found))
    return render_template("tasks/part.html", **_content(found, shown, before))


def at_work() -> Sequence[AtWork]:
    """Those that wait or run, for the head of a page: one query, where nobody has a task of a row of an index."""
    if not current_user.is_authenticated:
        return ()
    with database().read() as connection:
        return stored.at_work(connection, current_user.id, AT_WORK)


def words() -> dict[str, str]:
    """What scripts say of tasks, with its translation: titles of kinds, reasons that are stored. Empty in English."""
    language = languages.current()
    if language == languages.DEFAULT:
        return {}
    titles = (kinds.by_name(name).title for name in kinds.names())
    return _words_in(language, tuple(text for text in (*titles, *own_words.known()) if isinstance(text, Text)))


@lru_cache(maxsize=16)
def _words_in(language: str, texts: tuple[Text, ...]) -> dict[str, str]:
    """In the language of the request: looked up once, as every page has them."""
    return {str(text): said for text in texts if (said := translated(text)) != text}


def _sources(found: Sequence[Task]) -> set[str]:
    return {task.source for task in found if task.source is not None}


def _content(found: Sequence[Task], shown: dict[str, str], before: int) -> dict[str, Any]:
    listed = found[:PAGE]
    return {
        "tasks": [_shown(task, shown) for task in listed],
        "before": listed[-1].id if len(found) > PAGE else None,
        "is_first": before == MAX_SEQ,
        "here": url_for("tasks.listed", before=None if before == MAX_SEQ else before).removeprefix(request.script_root),
    }


def _shown(task: Task, shown: dict[str, str]) -> dict[str, Any]:
    """A task with its words as they can be translated, and the name that its system calls itself."""
    return {
        **task.as_json(),
        "title": own_words.read(task.title, is_ours=task.is_own),
        "error": own_words.read(task.error, is_ours=task.is_own) if task.error else None,
        "source_name": None if task.source is None else shown.get(task.source, task.source),
        "is_expired": task.is_own and task.state == DONE and task.result_name is not None and task.result_url is None,
    }
