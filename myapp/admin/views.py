"""Pages of administrators: announcements, and other systems with their tokens.

After a success the browser is sent back to a page; after a mistake it gets the page anew, with what was typed.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..announcements import as_task
from ..announcements import service as announcements
from ..auth import guard
from ..auth.service import Identity
from ..auth.views import number_of
from ..db import Connection
from ..errors import Conflict, Invalid, Text
from ..extensions import database, parts
from ..notifications import service as notifications
from ..notifications.content import check
from ..openapi import Who, describe, words
from ..reports import service as reports
from ..retention import DAY, NOTICES_STAY
from ..systems import service as systems
from ..systems import tokens
from ..systems.shapes import Announcement as AnnouncementShape
from ..texts import KEY_LIFE
from ..web import MAX_SEQ, answer, with_errors
from .forms import SCOPE_NAMES, AnnouncementForm, SystemForm, SystemSettingsForm, TokenForm

bp = Blueprint("admin", __name__, url_prefix="/admin")

Page = tuple[str, int]

#: Announcements on the page, the newest.
SHOWN = 20


@bp.get("")
def page() -> Page:
    return _page(guard.administrator())


def _page(identity: Identity, status: int = 200, **shown: Any) -> Page:
    with database().snapshot() as connection:
        page = inbox.head(connection, identity.id).as_page()
        found = announcements.listed(connection, MAX_SEQ, SHOWN, notifications_too=True)
        every = systems.every(connection)
        open_reports = reports.count(connection)
        sent = {system.id: _sent(connection, system.id) for system in every}
    forms = {
        "announcement": AnnouncementForm(formdata=None, key=announcements.new_key()),
        "system": SystemForm(formdata=None),
    }
    content = {"announcements": found, "systems": every, "sent": sent, "reports": open_reports}
    return render_template("admin/page.html", page=page, **content, **{**forms, **shown}), status


def _sent(connection: Connection, system: int) -> str:
    """How many notifications it has sent in the days for which they are kept."""
    count, most = notifications.count_of(connection, system), notifications.MOST_COUNTED
    number = str(count) if count <= most else f"{most:,}+"
    kept = parts().settings.keep_days * NOTICES_STAY
    if not kept:
        found: str = ngettext("%(number)s notification", "%(number)s notifications", count, number=number)
        return found
    found = ngettext(
        "%(number)s notification in the last %(days)d days",
        "%(number)s notifications in the last %(days)d days",
        count,
        number=number,
        days=max(kept, KEY_LIFE // DAY),
    )
    return found


@bp.get("/announcements")
@bp.get("/systems")
def form_page() -> BaseResponse:
    """A browser stands at a form's address after a mistake, and comes back there by reloading or signing in again."""
    guard.administrator()
    return redirect(url_for("admin.page"), 303)


@bp.post("/announcements")
def announce() -> BaseResponse | Page:
    identity = guard.administrator()
    form = AnnouncementForm()
    try:
        content = check(
            form.title.data or "", (form.body.data or "").replace("\r\n", "\n"), (form.url.data or "").strip() or None
        )
        with database().transaction() as transaction:
            as_task.create(transaction, content, identity.id, form.key.data or None)
    except (Invalid, Conflict) as error:
        form.key.data = announcements.new_key()
        return _page(identity, error.status, announcement=with_errors(form, error))
    parts().chores.start()  # where they do not start by themselves, they do now: they see that nothing is lost
    flash(_("The announcement is on its way."))
    return redirect(url_for("admin.page"), 303)


@bp.get("/announcements/<which>")
@describe(
    "Say how far any announcement is",
    tag="operations",
    who=Who.SESSION,
    path=[words("which", "Its id.", longest=None, example="1")],
    answers={200: AnnouncementShape},
    errors={403: "Not an administrator.", 404: "There is no such announcement."},
)
def progress(which: str) -> Any:
    """How far an announcement is, for the page's script."""
    guard.administrator()
    with database().read() as connection:
        return answer(announcements.by_number(connection, number_of(which, announcements.unknown)).progress())


@bp.post("/systems")
def create_system() -> BaseResponse | Page:
    identity = guard.administrator()
    form = SystemForm()
    try:
        with database().transaction() as transaction:
            account = systems.create(transaction, form.name.data or "", form.display_name.data or "")
    except (Invalid, Conflict) as error:
        return _page(identity, error.status, system=with_errors(form, error))
    return redirect(url_for("admin.system_page", name=account.name), 303)


@bp.get("/systems/<name>")
def system_page(name: str) -> Page:
    return _system_page(guard.administrator(), name)


def _system_page(identity: Identity, name: str, status: int = 200, **shown: Any) -> Page:
    with database().snapshot() as connection:
        page = inbox.head(connection, identity.id).as_page()
        account = systems.by_name(connection, name)
        listed = tokens.listed(connection, account.id)
        sent = _sent(connection, account.id)
        users = systems.count_users(connection, account.id)
    current = {"display_name": account.display_name, "most_per_minute": account.most_per_minute}
    forms = {
        "settings": SystemSettingsForm(formdata=None, **current),
        "token_form": TokenForm(formdata=None, days=365, scopes=["notify"]),
        "new_token": None,
    }
    content = {
        "account": account,
        "tokens": listed,
        "sent": sent,
        "users": users,
        "example": _example(),
        "scope_names": SCOPE_NAMES,
    }
    return render_template("admin/system.html", page=page, **content, **{**forms, **shown}), status


def _example() -> str:
    """How a token is used, to be pasted into a shell."""
    said = (
        """-H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"to": "bob", "title": "Hello"}'"""
    )
    return f"curl {said} {url_for('systems.notify', _external=True)}"


@bp.get("/systems/<name>/settings")
@bp.get("/systems/<name>/tokens")
def system_form_page(name: str) -> BaseResponse:
    guard.administrator()
    return redirect(url_for("admin.system_page", name=name), 303)


@bp.post("/systems/<name>/settings")
def change_system(name: str) -> BaseResponse | Page:
    identity = guard.administrator()
    form = SystemSettingsForm()
    try:
        most = _whole("most_per_minute", form.most_per_minute)
        with database().transaction() as transaction:
            account = systems.by_name(transaction, name)
            systems.change(transaction, account, form.display_name.data or "", most)
    except Invalid as error:
        return _system_page(identity, name, error.status, settings=with_errors(form, error))
    flash(_("Saved."))
    return redirect(url_for("admin.system_page", name=name), 303)


def _whole(name: str, field: Any) -> int:
    if field.data is None:
        raise Invalid(name, Text("write a whole number"))
    return int(field.data)


@bp.post("/systems/<name>/suspend")
def suspend_system(name: str) -> BaseResponse:
    guard.administrator()
    with database().transaction() as transaction:
        account = systems.by_name(transaction, name)
        systems.suspend(transaction, account, request.form.get("suspended") == "1")
    return redirect(url_for("admin.system_page", name=name), 303)


@bp.post("/systems/<name>/tokens")
def create_token(name: str) -> BaseResponse | Page:
    identity = guard.administrator()
    form = TokenForm()
    try:
        days = None if not (form.days.raw_data or [""])[0].strip() else _whole("days", form.days)
        with database().transaction() as transaction:
            account = systems.by_name(transaction, name)
            made = tokens.create(transaction, account.id, (form.label.data or "").strip(), form.scopes.data or [], days)
    except Invalid as error:
        return _system_page(identity, name, error.status, token_form=with_errors(form, error))
    return _system_page(identity, name, new_token=made["token"])


@bp.post("/systems/<name>/tokens/<which>/rotate")
def rotate_token(name: str, which: str) -> BaseResponse | Page:
    identity = guard.administrator()
    with database().transaction() as transaction:
        made = tokens.rotate(transaction, systems.by_name(transaction, name).id, number_of(which, tokens.unknown))
    flash(_("The old token ends within a day."))
    return _system_page(identity, name, new_token=made["token"])


@bp.post("/systems/<name>/tokens/<which>/revoke")
def revoke_token(name: str, which: str) -> BaseResponse:
    guard.administrator()
    with database().transaction() as transaction:
        tokens.revoke(transaction, systems.by_name(transaction, name).id, number_of(which, tokens.unknown))
    return redirect(url_for("admin.system_page", name=name), 303)
