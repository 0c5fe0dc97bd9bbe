"""What the description of the endpoints says of the whole: docs/protocol.md in short."""

from __future__ import annotations

from importlib.metadata import version

from .inbox import shapes as shapes_of_inbox
from .messages import shapes as shapes_of_messages
from .openapi.document import About
from .posts import shapes as shapes_of_posts
from .tasks import shapes as shapes_of_tasks

TEXT = """
    Whatever happens to a user is one **event** in that user's inbox, with the inbox's next `seq` (1, 2, 3, ... without
    holes). A client holds one whole number, its cursor, and gets each event after it exactly once and in order, by
    whichever of the four ways of following it asks.

    JSON is UTF-8; fields that a request does not have are refused, parameters of the query that it does not have are
    ignored; times are RFC 3339 in UTC with milliseconds. Answers can get more fields: ignore those you do not know.

    Errors are `application/problem+json` (RFC 9457), or a page where the request prefers `text/html`. Any address
    answers 404 and 405, a body over 64 KB 413, and 503 with `Retry-After` while the database is away.

    Where `Authorization` is present it alone counts, and no CSRF token is needed.
"""

TAGS = {
    "following": "The four ways of following an inbox: short poll, long poll, server-sent events, WebSocket.",
    "messages": "Messages between two people.",
    "badges": "Numbers of what is unread or not seen.",
    "people": "Whom one may write to, and who is here.",
    "posts": "Posts, replies and reactions.",
    "search": "What was written to one, by one, or to everybody.",
    "tasks": "What is done beside the requests.",
    "notifications": "What happened, and what other systems tell.",
    "systems": "For other systems, with a token of theirs.",
    "auth": "Who one is; one's sessions and tokens.",
    "operations": "For whoever runs the servers.",
}

_NAMED = {**shapes_of_inbox.NAMED, **shapes_of_messages.NAMED, **shapes_of_posts.NAMED, **shapes_of_tasks.NAMED}
ABOUT = About("myapp", version("myapp"), TEXT, TAGS, _NAMED)
