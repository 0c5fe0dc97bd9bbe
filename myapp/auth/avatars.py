"""Everybody's picture, or initials."""

from __future__ import annotations

from flask import Blueprint, Response, request

from ..extensions import database
from ..openapi import READERS, Answer, describe, words
from . import guard, initials, people, pictures

bp = Blueprint("avatars", __name__)

#: Of an address that names the version shown, which never changes.
FOR_EVER = "private, max-age=31536000, immutable"
#: Of any other: old events carry the addresses of their time, and get what is current.
ASK_AGAIN = "private, no-cache"


@bp.get("/avatars/<name>")
@describe(
    "Get a person's picture",
    tag="people",
    who=READERS,
    path=[words("name", "The person's name.", longest=None, example="bob")],
    query=[words("v", "The version, as it stands in `avatar`: with it the answer can be kept.", longest=None)],
    answers={
        200: Answer(None, "WebP of 256 x 256 px, or SVG with the initials.", content=("image/webp", "image/svg+xml")),
        304: Answer(None, "It is as it was."),
    },
    errors={404: "There is no such user."},
)
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
