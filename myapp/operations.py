"""What whoever runs the servers asks of them: `flask live` signs its question with the application's secret key.

A signature is for one question: whoever sees it can ask no other one by it. Any worker takes the question, by HTTP, and
asks all the others over the bus. So it works by every way in and for several hosts, and nothing more has to be opened.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from flask import Blueprint, Response, request
from itsdangerous import BadData, URLSafeTimedSerializer

from .auth import people
from .errors import Invalid, NotSignedIn
from .extensions import database, parts
from .openapi import Who, describe
from .shapes import Shape
from .web import answer, read_json

bp = Blueprint("operations", __name__)

#: Seconds for which a signed question may be asked.
LIFE = 60
PATH = "/live"
#: What a signature begins with.
PREFIX = "operator_"


class LiveQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """POST /live"""

    question: Annotated[Literal["stats", "who", "drain"], msgspec.Meta(examples=["stats"])]
    user: str = ""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] | None = None
    host: str = ""


class Workers(Shape):
    """What each worker that is heard of answers, by its name, `<host>:<pid>`."""

    workers: dict[str, Any]


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="operations")


def sign(secret_key: str, body: bytes) -> str:
    """What goes into `Authorization: Bearer` with this body, and with no other one, for the next LIFE seconds."""
    return PREFIX + str(_signer(secret_key).dumps(_digest(body)))


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _check_signature() -> None:
    """Raises NotSignedIn."""
    signed = request.headers.get("Authorization", "").removeprefix(f"Bearer {PREFIX}")
    try:
        digest = _signer(parts().settings.secret_key).loads(signed, max_age=LIFE)
    except BadData:
        digest = None
    if digest is None or digest != _digest(request.get_data()):  # it stays there for `read_json`
        raise NotSignedIn("Only whoever runs the servers may ask this: use `flask live`.")


@bp.post(PATH)
@describe(
    "Ask all workers",
    who=Who.OPERATOR,
    body=LiveQuestion,
    answers={200: Workers},
    errors={404: "There is no such user."},
    text="As `flask live` does, which signs the body.",
)
def ask() -> Response:
    """`{"workers": {"<host>:<pid>": <its answer>}}` of all workers that are heard of."""
    _check_signature()
    asked = read_json(LiveQuestion)
    argument: Any = None
    if asked.question == "who":
        if not asked.user:
            raise Invalid("user", "name whom to look for")
        with database().read() as connection:
            argument = people.by_name(connection, asked.user).id
    elif asked.question == "drain":
        seconds = parts().settings.drain_seconds if asked.seconds is None else asked.seconds
        argument = {"seconds": seconds, "host": asked.host}
    return answer({"workers": parts().dispatcher.peers.ask_all(asked.question, argument)})
