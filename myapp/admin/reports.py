"""What people have reported, for administrators."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..auth import guard
from ..auth.views import number_of
from ..extensions import database
from ..reports import service
from ..web import MAX_SEQ, query_whole
from .views import bp

__all__ = ["bp"]

#: Reports on one page.
SHOWN = 50


@bp.get("/reports")
def reports_page() -> str:
    identity = guard.administrator()
    before = query_whole("before", MAX_SEQ)
    with database().snapshot() as connection:
        page = inbox.head(connection, identity.id).as_page()
        found, more = service.listed(connection, before, SHOWN)
    return render_template("admin/reports.html", page=page, reports=found, more=more)


@bp.post("/reports/<which>/close")
def close_report(which: str) -> BaseResponse:
    identity = guard.administrator()
    with database().transaction() as transaction:
        service.close(transaction, identity.id, number_of(which, service.unknown))
    return redirect(url_for("admin.reports_page"), 303)
