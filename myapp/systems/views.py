"""What other systems do over HTTP, each with a token of its own: notify, announce, have users here."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response, url_for

from ..announcements import service as announcements
from ..auth import guard, people
from ..auth.people import Person
from ..auth.views import number_of
from ..errors import Invalid, Text
from ..extensions import database, parts
from ..notifications import service as notifications
from ..notifications.content import Content, check
from ..notifications.service import Source
from ..texts import check_key
from ..web import answer, read_json
from . import limits, service
from .tokens import System

bp = Blueprint("systems", __name__, url_prefix="/api")

#: Whom one request notifies at most by name.
MOST_NAMES = 1000
#: Inboxes that are locked in one transaction.
BATCH = 50


class NotificationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/notifications"""

    to: str | list[str]
    title: str
    body: str | None = None
    url: str | None = None
    badge: str | None = None
    data: dict[str, Any] | None = None
    key: str | None = None


class AnnouncementRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/announcements"""

    title: str
    body: str | None = None
    url: str | None = None
    key: str | None = None


class UserRequest(msgspec.Struct, forbid_unknown_fields=True):
    """PUT /api/users/<name>"""

    display_name: str | None = None


class TicketRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/tickets"""

    user: str


def _source(system: System) -> Source:
    return Source(system.id, system.name)


@bp.post("/notifications")
def notify() -> Response:
    """To one user, to several, or to everyone (`"*"`); names of nobody are told, and keep nobody from being told."""
    system = guard.system("notify")
    asked = read_json(NotificationRequest)
    content = check(asked.title, asked.body, asked.url, asked.badge, asked.data)
    check_key(asked.key)
    if asked.to == "*":
        return _notify_everyone(system, content, asked.key)
    given = [asked.to] if isinstance(asked.to, str) else asked.to
    names = {people.fold(name): name for name in given}
    if not 0 < len(names) <= MOST_NAMES:
        raise Invalid("to", Text("give one name, a list of 1 to %(most)d names, or * for everyone", most=MOST_NAMES))
    limits.spend(system, len(names))
    with database().read() as connection:
        known = people.ids_of(connection, list(names))
    users = sorted(known.values())
    for start in range(0, len(users), BATCH):  # who has got it already, has it by its key when it is sent again
        with database().transaction() as transaction:
            for user in users[start : start + BATCH]:
                notifications.notify(transaction, user, content, source=_source(system), key=asked.key)
    return answer(
        {"accepted": len(users), "unknown": [given for name, given in names.items() if name not in known]}, 202
    )


def _notify_everyone(system: System, content: Content, key: str | None) -> Response:
    guard.system("announce")
    limits.spend(system, 1)
    with database().transaction() as transaction:
        number, _ = announcements.create(transaction, content, kind="notification", source=_source(system), key=key)
        total = announcements.by_number(transaction, number).total
    parts().chores.wake()
    return answer({"accepted": total, "unknown": []}, 202, _location(number))


@bp.post("/announcements")
def announce() -> Response:
    """To everyone. It is stored when this is answered, and on its way."""
    system = guard.system("announce")
    asked = read_json(AnnouncementRequest)
    content = check(asked.title, asked.body, asked.url)
    limits.spend(system, 1)
    with database().transaction() as transaction:
        number, _ = announcements.create(transaction, content, source=_source(system), key=asked.key)
        found = announcements.by_number(transaction, number)
    parts().chores.wake()
    return answer(found.progress(), 202, _location(number))


def _location(number: int) -> dict[str, str]:
    return {"Location": url_for("systems.announcement", which=number)}


@bp.get("/announcements/<which>")
def announcement(which: str) -> Response:
    """How far it is."""
    system = guard.system("announce")
    number = number_of(which)
    with database().read() as connection:
        found = announcements.by_number(connection, number)
    if found.source != system.name:
        raise announcements.unknown(number)
    return answer(found.progress())


@bp.put("/users/<name>")
def put_user(name: str) -> Response:
    """A user of the system's own: made if new, else renamed."""
    system = guard.system("users")
    asked = read_json(UserRequest)
    limits.spend(system, 1)
    with database().transaction() as transaction:
        person, is_new = service.put_user(transaction, system.id, name, asked.display_name)
    return answer(_as_json(person), 201 if is_new else 200)


def _as_json(person: Person) -> dict[str, Any]:
    return {"name": person.name, "display_name": person.display_name, "avatar": person.avatar}


@bp.post("/tickets")
def ticket() -> Response:
    """With it a user of the system's own follows an inbox for a while, on whatever page."""
    system = guard.system("tickets")
    asked = read_json(TicketRequest)
    with database().read() as connection:
        user = service.own_user(connection, system.id, asked.user)
    return answer({"ticket": guard.issue_system_ticket(system.token_id, user), "expires_in": guard.TICKET_LIFE})
