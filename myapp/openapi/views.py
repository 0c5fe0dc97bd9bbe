"""The description of the application's endpoints: for programs as OpenAPI, for people as a page."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, current_app, render_template, request
from flask_babel import get_locale
from markupsafe import Markup, escape

from .description import ANYONE, Answer, describe
from .document import About, build
from .examples import ADDRESS
from .reading import prose, read

bp = Blueprint("openapi", __name__)

EXTENSION = "myapp_openapi"
#: An application is at one address or two; some servers let a header say at which.
MOST_ROOTS = 8


class Documents:
    """One application's document, made when it is first asked for and then kept."""

    def __init__(self, app: Flask, about: About) -> None:
        self._app = app
        self._about = about
        self._document: dict[str, Any] | None = None
        self._texts: dict[str, tuple[bytes, str]] = {}
        self._pages: dict[str, str] = {}

    @property
    def document(self) -> dict[str, Any]:
        """Without `servers`."""
        if self._document is None:
            self._document = build(self._app, self._about)
        return self._document

    def text(self, root: str) -> tuple[bytes, str]:
        """The document as JSON for the application at `root`, and its ETag."""
        kept = self._texts.get(root)
        if kept is None:
            if len(self._texts) >= MOST_ROOTS:
                self._texts.clear()
            text = msgspec.json.encode({**self.document, "servers": [{"url": root or "/"}]})
            kept = self._texts[root] = text, hashlib.sha256(text).hexdigest()[:16]
        return kept

    def page(self, language: str) -> str:
        """The page's contents in the language, with ADDRESS where the application's own belongs."""
        kept = self._pages.get(language)
        if kept is None:
            given = {"read": read(self.document), "prose": prose, "document": f"{ADDRESS}/openapi.json"}
            kept = self._pages[language] = render_template("docs/contents.html", **given)
        return kept


def init_app(app: Flask, about: About) -> None:
    app.extensions[EXTENSION] = Documents(app, about)
    app.register_blueprint(bp)


def documents(app: Flask | None = None) -> Documents:
    """The documents of this application, or of the one at hand."""
    found: Documents = (app or current_app).extensions[EXTENSION]
    return found


@bp.get("/openapi.json")
@describe(
    "This document",
    tag="operations",
    who=ANYONE,
    answers={
        200: Answer(dict[str, Any], "OpenAPI 3.1.", headers={"ETag": "For If-None-Match."}),
        304: Answer(None, "It is as it was."),
    },
)
def document() -> Response:
    text, etag = documents().text(request.script_root)
    response = Response(text, content_type="application/json", headers={"Cache-Control": "no-cache"})
    response.set_etag(etag)
    response.make_conditional(request)
    return response


@bp.get("/docs/api")
def page() -> str:
    """For people, signed in or not, with scripts or without."""
    contents = documents().page(str(get_locale()))
    own = str(escape(request.url_root.rstrip("/")))
    return render_template("docs/api.html", contents=Markup(contents.replace(ADDRESS, own)))  # a template's, escaped
