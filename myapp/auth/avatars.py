"""Everybody's picture, or initials."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..extensions import database
from . import guard, initials, people, pictures

bp = Blueprint("avatars", __name__)

#: Of an address that names the version shown, which never changes.
FOR_EVER = "private, max-age=31536000, immutable"
#: Of any other: old events carry the addresses of their time, and get what is current.
ASK_AGAIN = "private, no-cache"


@bp.get("/avatars/<name>")
def avatar(name: str) -> Response:
    guard.signed_in(ticket=True)
    with database().read() as connection:
        person, data = pictures.of(connection, name)
    version = people.avatar_version(person.display_name, person.picture if data else None)
    if data:
        response = Response(data, content_type="image/webp")
    else:
        response = Response(initials.draw(person.name, person.display_name), content_type="image/svg+xml")
    response.headers["Cache-Control"] = FOR_EVER if request.args.get("v") == version else ASK_AGAIN
    # opened by itself an SVG is a page: it may do nothing
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.set_etag(version)
    response.make_conditional(request)
    return response
