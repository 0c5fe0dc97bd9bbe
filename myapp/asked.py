"""What is asked, as Flask reads it."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import quote

import flask


class Asked(flask.Request):
    """A request whose query is ASCII. Clients can send any bytes there, which are encoded as they should have been:
    Werkzeug raises UnicodeDecodeError for those that are no UTF-8.
    """

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        super().__init__(environ, populate_request, shallow)
        if not self.query_string.isascii():
            self.query_string = quote(self.query_string, safe=string.punctuation).encode()
