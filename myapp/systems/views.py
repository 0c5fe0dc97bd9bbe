"""What other systems do over HTTP, each with a token of its own: notify, announce, have users here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response, url_for

from ..announcements import service as announcements
from ..auth import guard, people
from ..auth.people import Person
from ..auth.service import TICKET_LIFE
from ..auth.shapes import Ticket
from ..auth.views import number_of
from ..errors import Invalid, Text
from ..extensions import database, parts
from ..notifications import service as notifications
from ..notifications.content import Content, check
from ..notifications.service import Source
from ..openapi import Answer, Who, describe, words
from ..pieces import Pieces
from ..texts import check_key
from ..web import answer, read_json
from . import limits, service, shapes
from .fields import MOST_NAMES, Badge, Body, Data, Key, Receivers, Title, Url, text
from .tokens import System

bp = Blueprint("systems", __name__, url_prefix="/api")

#: For the description.
NO_SCOPE = "The token does not allow it, or is a user's."
TOO_MANY = "The system has made or renamed as many users a minute as it may."
TOO_MUCH = "The system has told as many users a minute as it may, or too many of its announcements are on their way."
PROGRESS = {"Location": "For everyone: where to ask how far it is."}
#: Users who are told in one transaction: on SQLite nothing else happens meanwhile, up to 1 ms for each.
BATCH = 20


class NotificationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/notifications"""

    to: Receivers
    title: Title
    body: Body | None = None
    url: Url | None = None
    badge: Badge | None = None
    data: Data | None = None
    key: Key | None = None


class AnnouncementRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/announcements"""

    title: Title
    body: Body | None = None
    url: Url | None = None
    key: Key | None = None


class UserRequest(msgspec.Struct, forbid_unknown_fields=True):
    """PUT /api/users/<name>"""

    display_name: Annotated[str, text("How it is shown.", "Zoe", minLength=1, maxLength=64)] | None = None


class TicketRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /api/tickets"""

    user: Annotated[str, msgspec.Meta(description="One of the system's own.", examples=["zoe"])]


def _source(system: System) -> Source:
    return Source(system.id, system.name)


@bp.post("/notifications")
@describe(
    "Notify users",
    who=Who.SYSTEM,
    body=NotificationRequest,
    answers={202: Answer(shapes.Accepted, "Told, or for everyone on the way.", PROGRESS)},
    errors={403: NO_SCOPE, 409: "The key was used for another notification.", 429: TOO_MUCH},
)
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
    limits.spend_on_telling(system, len(names))
    with database().read() as connection:
        known = people.ids_of(connection, list(names))
    users = sorted(known.values())
    batches = Pieces(database())  # one who tells a thousand would keep all others waiting
    for start in range(0, len(users), BATCH):  # who has got it already, has it by its key when it is sent again
        with batches.next() as transaction:
            for user in users[start : start + BATCH]:
                notifications.notify(transaction, user, content, source=_source(system), key=asked.key)
    return answer(
        {"accepted": len(users), "unknown": [given for name, given in names.items() if name not in known]}, 202
    )


def _notify_everyone(system: System, content: Content, key: str | None) -> Response:
    guard.system("announce")
    limits.spend_on_telling(system, 1)
    found = _announce(system, content, key, "notification")
    return answer({"accepted": found.total, "unknown": []}, 202, _location(found.id))


def _announce(system: System, content: Content, key: str | None, kind: str) -> announcements.Announcement:
    source = _source(system)
    with database().transaction() as transaction:
        number, is_new = announcements.create(transaction, content, kind=kind, source=source, key=key)
        if is_new and announcements.has_too_many(transaction, source):
            raise limits.too_many_announcements()
        found = announcements.by_number(transaction, number)
    parts().chores.wake()
    return found


@bp.post("/announcements")
@describe(
    "Announce to everyone",
    who=Who.SYSTEM,
    body=AnnouncementRequest,
    answers={202: Answer(shapes.Announcement, "Stored, and on its way.", PROGRESS)},
    errors={403: NO_SCOPE, 409: "The key was used for another announcement.", 429: TOO_MUCH},
)
def announce() -> Response:
    """To everyone. It is stored when this is answered, and on its way."""
    system = guard.system("announce")
    asked = read_json(AnnouncementRequest)
    content = check(asked.title, asked.body, asked.url)
    limits.spend_on_telling(system, 1)
    found = _announce(system, content, asked.key, "announcement")
    return answer(found.progress(), 202, _location(found.id))


def _location(number: int) -> dict[str, str]:
    return {"Location": url_for("systems.announcement", which=number)}


@bp.get("/announcements/<which>")
@describe(
    "Say how far an announcement is",
    who=Who.SYSTEM,
    path=[words("which", "Its id.", longest=None, example="1")],
    answers={200: shapes.Announcement},
    errors={403: NO_SCOPE, 404: "The system has made no such announcement."},
)
def announcement(which: str) -> Response:
    """How far it is."""
    system = guard.system("announce")
    number = number_of(which, announcements.unknown)
    with database().read() as connection:
        found = announcements.by_number(connection, number)
    if found.source != system.name:
        raise announcements.unknown(number)
    return answer(found.progress())


@bp.put("/users/<name>")
@describe(
    "Make a user of one's own, or rename it",
    who=Who.SYSTEM,
    path=[words("name", "Its name.", longest=None, example="zoe")],
    body=UserRequest,
    answers={201: Answer(shapes.OwnUser, "It was made."), 200: Answer(shapes.OwnUser, "There was one.")},
    errors={403: NO_SCOPE, 409: "The name is that of a user who is not the system's.", 429: TOO_MANY},
)
def put_user(name: str) -> Response:
    """A user of the system's own: made if new, else renamed."""
    system = guard.system("users")
    asked = read_json(UserRequest)
    limits.spend_on_users(system)
    with database().transaction() as transaction:
        person, is_new = service.put_user(transaction, system.id, name, asked.display_name)
    return answer(_as_json(person), 201 if is_new else 200)


def _as_json(person: Person) -> dict[str, Any]:
    return {"name": person.name, "display_name": person.display_name, "avatar": person.avatar}


@bp.post("/tickets")
@describe(
    "Get a ticket for a user of one's own",
    who=Who.SYSTEM,
    body=TicketRequest,
    answers={200: Ticket},
    errors={403: NO_SCOPE, 404: "The system has no such user."},
)
def ticket() -> Response:
    """With it a user of the system's own follows an inbox for a while, on whatever page."""
    system = guard.system("tickets")
    asked = read_json(TicketRequest)
    with database().read() as connection:
        user = service.own_user(connection, system.id, asked.user)
    return answer({"ticket": guard.issue_system_ticket(system.token_id, user), "expires_in": TICKET_LIFE})
