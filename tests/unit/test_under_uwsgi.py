"""What is put in front of the application under uWSGI, by the way in that uWSGI was given."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import Flask

from myapp.under_uwsgi import mend_requests

ROUTER, DIRECT, UWSGI_PROTOCOL = {"http": b":80"}, {"http-socket": b":80"}, {"socket": b":80"}


@pytest.mark.parametrize(
    ("options", "headers", "is_told"),
    [
        (ROUTER, {}, False),
        (ROUTER, {"Connection": "close"}, True),
        (ROUTER, {"Connection": "Upgrade", "Upgrade": "websocket"}, True),
        (DIRECT, {}, True),  # the worker ends each connection
        (DIRECT | ROUTER, {}, False),
        (UWSGI_PROTOCOL, {}, False),  # nginx's own connection to its client goes on
    ],
    ids=["router", "wish", "upgrade", "direct", "both", "uwsgi-protocol"],
)
def test_an_answer_says_that_its_connection_ends_where_it_does(
    options: dict[str, bytes], headers: dict[str, str], is_told: bool
) -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "hi")
    mend_requests(app, SimpleNamespace(opt=options))
    answer = app.test_client().get("/", headers=headers)
    assert answer.status_code == (400 if "Upgrade" in headers else 200)  # no WebSocket is served here
    assert ("close" in answer.headers.getlist("Connection")) == is_told
