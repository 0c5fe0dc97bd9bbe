"""The languages of the pages, and which of them a request asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import g, has_request_context, request
from flask_babel import get_locale

#: By the key that is stored and sent, each called as its speakers do. `zh` is written in simplified characters.
LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT = "en"
#: The cookie with the choice of a browser that is not signed in.
COOKIE = "language"

#: As Babel calls them, and so the folder below translations/.
_LOCALES = {"en": "en", "zh": "zh_Hans"}
_KEYS = {locale: key for key, locale in _LOCALES.items()}


def select() -> str:
    """The request's locale, for Babel: what its person chose, or its browser, or what the browser asks for.

    It only takes who was found before (`guard.asking`) and never looks in the database: an error's page is also shown
    while that is away.
    """
    if not has_request_context():
        return _LOCALES[DEFAULT]
    identity = g.get("identity")
    for chosen in (identity.language if identity is not None else None, request.cookies.get(COOKIE)):
        if chosen in _LOCALES:
            return _LOCALES[chosen]
    return _LOCALES[negotiated(request.accept_languages)]


def negotiated(ranges: Iterable[tuple[str, float]]) -> str:
    """The language that an Accept-Language header wants most (RFC 9110 section 12.5.4), its ranges in order of quality.

    Only the first part of a range counts: who reads traditional characters reads simplified ones rather than English.
    """
    for wanted, quality in ranges:
        primary = re.split("[-_]", wanted.lower())[0]
        if primary in LANGUAGES and quality > 0:
            return primary
    return DEFAULT


def locale(key: str | None) -> str:
    """What Babel calls the language of this key; where somebody chose none, DEFAULT's."""
    return _LOCALES.get(key or DEFAULT, _LOCALES[DEFAULT])


def current() -> str:
    """The key of the language in use."""
    return _KEYS.get(str(get_locale()), DEFAULT)


def tag() -> str:
    """The language in use as HTML's `lang` has it (BCP 47)."""
    return _LOCALES[current()].replace("_", "-")
