"""Flask's signed cookie, at less cost: a cookie that was seen before is not checked anew for a minute."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

#: Seconds for which a Cookie header whose signature was right is taken as such; how old it is, is looked at then again.
TRUST = 60.0
#: The most of them that are remembered, and the longest, in characters: 2 MB in all.
MOST_TRUSTED, LONGEST = 2000, 1000


class Sessions(SecureCookieSessionInterface):
    """Keeps the signer of its one application, and makes an empty session where the request has no cookie at all."""

    def __init__(self) -> None:
        self._signer: Any = None
        #: by the whole header: until when, and what was in it
        self._trusted: dict[str, tuple[float, dict[str, Any]]] = {}

    def get_signing_serializer(self, app: Flask) -> Any:
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        header = request.environ.get("HTTP_COOKIE")
        if header is None:
            return self.session_class()
        until, content = self._trusted.get(header, (0.0, {}))
        if time.monotonic() < until:
            return self.session_class(content)
        opened = super().open_session(app, request)
        # a list in it could be changed by the view, and would be another one at the next request
        if opened and len(header) <= LONGEST and all(isinstance(value, str | int) for value in opened.values()):
            if len(self._trusted) >= MOST_TRUSTED:
                self._trusted.clear()
            self._trusted[header] = time.monotonic() + TRUST, dict(opened)
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if response.cache_control.public:
            return  # the same for everybody: by "Vary: Cookie" a browser would ask anew after each new cookie
        if session.accessed or session.modified or session.permanent:
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """What came over https goes back over https alone; by http, as on one's own machine, there is no other way."""
        return request.is_secure or super().get_cookie_secure(app)
