"""The page of one's tasks."""

from __future__ import annotations

from flask import render_template

from .. import inbox
from ..auth.service import Identity
from ..extensions import database
from ..web import MAX_SEQ
from . import stored

#: Tasks on one page.
PAGE = 30


def page(me: Identity, before: int) -> str:
    with database().snapshot() as connection:
        page = inbox.head(connection, me.id).as_page()
        found = stored.listed(connection, me.id, before, PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        "tasks/page.html",
        page=page,
        tasks=[task.as_json() for task in shown],
        before=shown[-1].id if len(found) > PAGE else None,
        is_first=before == MAX_SEQ,
    )
