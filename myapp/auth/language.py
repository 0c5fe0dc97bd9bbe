"""Choosing the language of the pages, signed in or not."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from ..errors import Invalid, Text
from ..extensions import csrf, database
from ..languages import COOKIE, LANGUAGES
from ..web import safe_next
from . import guard, service

bp = Blueprint("languages", __name__)

#: How long a browser keeps the choice, in seconds: a year.
KEPT = 365 * 24 * 3600


@bp.post("/language")
def choose() -> BaseResponse:
    """Keep the choice with the browser and, signed in, with the person; none is what the browser asks for."""
    if guard.asking() is None:
        csrf.protect()
        identity = None
    else:
        identity = guard.signed_in()
    language = request.form.get("language", "")
    if language and language not in LANGUAGES:
        choices = ", ".join(LANGUAGES)
        raise Invalid("language", Text("is not a language of these pages; choose one of %(choices)s", choices=choices))
    if identity is not None and identity.language != (language or None):
        with database().transaction() as transaction:
            service.set_language(transaction, identity.id, language or None)
    answer = redirect(safe_next(request.form.get("next")), 303)
    path, secure = request.script_root or "/", request.is_secure
    if language:
        answer.set_cookie(COOKIE, language, KEPT, path=path, samesite="Lax", httponly=True, secure=secure)
    else:
        answer.delete_cookie(COOKIE, path=path, samesite="Lax", httponly=True, secure=secure)
    return answer
