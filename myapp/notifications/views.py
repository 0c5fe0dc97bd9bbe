"""The bell over HTTP: as JSON, as a page, and as the part of a page that scripts put into theirs."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..announcements import service as announcements
from ..auth import guard
from ..db import Connection, Transaction
from ..errors import Invalid, NotFound, Text
from ..extensions import database
from ..messages.shapes import BadgesAt
from ..openapi import READERS, Answer, describe, whole
from ..systems import service as systems
from ..tasks import external as tasks
from ..texts import printable
from ..web import MAX_SEQ, answer, query_whole, read_json, safe_next, translated, wants_page
from . import bell, preferences, service, shapes
from .kinds import kinds

log = logging.getLogger(__name__)

bp = Blueprint("notifications", __name__)

#: Notices in the bell of other pages.
IN_PANEL = 15

Seq = Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQ)]


class SomeSeenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /notifications/seen: those with these seqs, or all up to one."""

    seqs: Annotated[list[Seq], msgspec.Meta(description="Of notices.", examples=[[1]])] = []
    upto: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ, description="All up to here.", examples=[1])] | None = None


class PreferencesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """PUT /notifications/preferences: whether one wants to hear of a kind, or of a system, by name."""

    kinds: Annotated[dict[str, bool], msgspec.Meta(examples=[{"like": True}])] = {}
    systems: Annotated[dict[str, bool], msgspec.Meta(examples=[{}])] = {}


@bp.get("/notifications")
@describe(
    "List what happened",
    query=[
        whole("before", "Older than this seq.", MAX_SEQ),
        whole("limit", "The most of them.", bell.PAGE, 1, 500),
    ],
    answers={200: Answer(shapes.Notices, page=True)},
)
def listed() -> Response | str:
    """What happened, newest first: a page for a browser, JSON for a program."""
    identity = guard.signed_in()
    before = query_whole("before", MAX_SEQ)
    if wants_page():
        return _page("notifications/page.html", identity.id, before, bell.PAGE)
    limit = query_whole("limit", bell.PAGE, 1, 500)
    with database().snapshot() as connection:
        found, has_more = bell.read(connection, identity.id, before, limit)
        head = inbox.head(connection, identity.id)
    body = {
        "notifications": [bell.as_json(one) for one in found],
        "more": has_more,
        "seq": head.seq,
        "epoch": head.epoch,
        "badges": msgspec.Raw(head.badges.encode()),
    }
    return answer(body)


@bp.get("/notifications/panel")
def panel() -> str:
    """The newest, as the part of a page that the bell opens."""
    return _page("notifications/panel.html", guard.signed_in().id, MAX_SEQ, IN_PANEL)


def _page(template: str, user: int, before: int, limit: int) -> str:
    with database().snapshot() as connection:
        page = inbox.head(connection, user).as_page()
        found = bell.page(connection, user, before, limit)
        shown = systems.shown_names(connection, found.sources)
    content = {"bell": found, "shown": shown, "by_own_template": _by_own_template}
    return render_template(template, page=page, is_first=before == MAX_SEQ, **content)


def _by_own_template(item: bell.Item) -> Markup | None:
    """The item as the template of its kind shows it; none where it has none, or where that fails: as its title says,
    the page must open whatever an event carries.
    """
    if item.kind.template is None:
        return None
    try:
        return Markup(render_template(item.kind.template, item=item))
    except Exception:  # safety net: the templates of a kind are the application's own
        log.exception("the template of a notice of the kind %s failed", item.kind.name)
        return None


@bp.post("/notifications/seen")
@describe("Mark notices as seen", who=READERS, body=SomeSeenRequest, answers={200: BadgesAt})
def mark_some_seen() -> Response:
    """Some by their seqs, or all up to one. Other clients of the user are told by an event `seen`."""
    identity = guard.signed_in(ticket=True)
    asked = read_json(SomeSeenRequest)
    if asked.upto is None and not asked.seqs:
        raise Invalid("seqs", Text("give the seqs of what was seen, or upto"))
    marked = _mark(identity.id, asked.seqs, asked.upto)
    return answer({"badges": marked.badges, "seq": marked.seq})


@bp.post("/notifications/mark")
def mark_form() -> BaseResponse:
    """The page's buttons: `seqs`, separated by blanks, or all that the page showed, `upto`."""
    identity = guard.signed_in()
    seqs = [_whole("seqs", text) for text in request.form.get("seqs", "").split()]
    _mark(identity.id, seqs, None if seqs else _whole("upto", request.form.get("upto", "")))
    return redirect(safe_next(request.form.get("next") or "/notifications"), 303)


def _mark(user: int, seqs: list[int], upto: int | None) -> inbox.Marked:
    """Those with these seqs, and all up to `upto`."""

    def mark(transaction: Transaction, after: int) -> inbox.Marked:
        inbox.mark_some_seen(transaction, user, () if after else seqs)
        return inbox.mark_all_seen(transaction, user, upto or 0, after)

    return inbox.mark_in_pieces(database(), mark)


def _whole(field: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", text) or int(text) > MAX_SEQ:
        raise Invalid(field, Text("give a whole number from %(low)d to %(high)d", low=0, high=MAX_SEQ))
    return int(text)


# -- what one wants to hear of


@bp.get("/notifications/preferences")
@describe("Say what one wants to hear of", answers={200: Answer(shapes.Preferences, page=True)})
def show_preferences() -> Response | str:
    identity = guard.signed_in()
    with database().snapshot() as connection:
        page = inbox.head(connection, identity.id).as_page()
        choices = _choices(connection, identity.id)
    if wants_page():
        return render_template("notifications/preferences.html", page=page, **choices)
    return answer(_wanted(choices))


@bp.put("/notifications/preferences")
@describe("Choose what to hear of", body=PreferencesRequest, answers={200: shapes.Preferences})
def put_preferences() -> Response:
    """What is not named stays as it is."""
    identity = guard.signed_in()
    asked = read_json(PreferencesRequest)
    with database().transaction() as transaction:
        known = {kind.name for kind in kinds()}
        for name, is_wanted in asked.kinds.items():
            if name not in known:
                raise Invalid("kinds", Text("knows %(names)s", names=", ".join(sorted(known))))
            preferences.mute(transaction, identity.id, name, not is_wanted)
        for name, is_wanted in asked.systems.items():
            try:
                number = systems.by_name(transaction, name).id
            except NotFound:
                raise Invalid("systems", Text("knows no system %(name)r", name=printable(name))) from None
            preferences.mute(transaction, identity.id, preferences.of_system(number), not is_wanted)
        return answer(_wanted(_choices(transaction, identity.id)))


@bp.post("/notifications/preferences")
def preferences_form() -> BaseResponse:
    """The page's form: every kind and system that was `shown`, those `wanted` ticked."""
    identity = guard.signed_in()
    wanted = set(request.form.getlist("wanted"))
    with database().transaction() as transaction:
        choices = _choices(transaction, identity.id)
        known = {choice["what"] for choice in (*choices["kinds"], *choices["systems"])}
        for what in known.intersection(request.form.getlist("shown")):
            preferences.mute(transaction, identity.id, what, what not in wanted)
    flash(_("Saved."))
    return redirect(url_for("notifications.show_preferences"), 303)


def _wanted(choices: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, bool]]:
    return {group: {choice["name"]: choice["wanted"] for choice in found} for group, found in choices.items()}


def _choices(connection: Connection, user: int) -> dict[str, list[dict[str, Any]]]:
    """What one can choose: all kinds, and the systems that have sent something or that are muted."""
    muted = preferences.muted(connection, user)
    told_by = service.sources_of(connection, user) | announcements.sources(connection) | tasks.sources(connection, user)
    found = systems.by_ids(connection, told_by | {int(what[7:]) for what in muted if what.startswith("system:")})
    return {
        "kinds": [
            {
                "name": kind.name,
                "what": kind.name,
                "label": _("Notifications of this site") if kind.name == "notification" else translated(kind.label),
                "wanted": kind.name not in muted,
            }
            for kind in kinds()
        ],
        "systems": [
            {
                "name": system.name,
                "what": preferences.of_system(system.id),
                "label": system.display_name,
                "wanted": preferences.of_system(system.id) not in muted,
            }
            for system in found
        ],
    }
