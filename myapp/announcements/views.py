"""The page of announcements, for everyone: also for who came after them."""

from __future__ import annotations

from flask import Blueprint, render_template

from .. import inbox
from ..auth import guard
from ..extensions import database
from ..web import MAX_SEQ, query_whole
from . import service

bp = Blueprint("announcements", __name__)

#: Announcements on one page.
PAGE = 30


@bp.get("/announcements")
def page() -> str:
    identity = guard.signed_in()
    before = query_whole("before", MAX_SEQ)
    with database().snapshot() as connection:
        page = inbox.head(connection, identity.id).as_page()
        found = service.listed(connection, before, PAGE + 1)
    shown = found[:PAGE]
    return render_template(
        "announcements/page.html",
        page=page,
        announcements=[{**one.as_json(), "source_name": one.source_name} for one in shown],
        before=shown[-1].id if len(found) > PAGE else None,
        is_first=before == MAX_SEQ,
    )
