"""The fields of what systems ask, for the description: the services have these rules, and words for them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from ..inbox.badges import TAKEN, pattern
from ..notifications.content import LONGEST_BODY, LONGEST_TITLE, LONGEST_URL, URL
from ..texts import LONGEST_KEY

#: Whom one request notifies at most by name.
MOST_NAMES = 1000


def text(description: str, example: str, **rules: Any) -> msgspec.Meta:
    return msgspec.Meta(description=description, examples=[example], extra_json_schema=rules)


Title = Annotated[str, text("What it says.", "Backup done", minLength=1, maxLength=LONGEST_TITLE, pattern=r"\S")]
Body = Annotated[str, text("More of it.", "All 17 volumes.", maxLength=LONGEST_BODY)]
Url = Annotated[
    str,
    text(
        "Where it leads: a path below the application's root, or http(s).",
        "/",
        maxLength=LONGEST_URL,
        pattern=f"^(?:{URL.pattern})$",
    ),
]
Badge = Annotated[str, text("Counts it beside `notifications`.", "backups", pattern=pattern(*TAKEN))]
Key = Annotated[str, text("New for each; kept for 7 days.", "backup-17", minLength=1, maxLength=LONGEST_KEY)]
Data = Annotated[
    dict[str, Any], msgspec.Meta(description="Your own, at most 8 KB and 32 levels.", examples=[{"volumes": 17}])
]
#: A name, several, or `*`.
Receivers = Annotated[
    str | list[str],
    msgspec.Meta(description=f"A name, 1 to {MOST_NAMES} names, or * for everyone.", examples=["bob"]),
]
