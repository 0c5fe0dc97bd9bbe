"""Everything that happens to a user is an event in that user's inbox, with the inbox's next seq.

`append` is the only place that assigns a seq; `after` reads what follows a cursor.
"""

from .badges import BADGES, Badges
from .events import (
    HELD,
    PAGE_EVENTS,
    Appended,
    Event,
    Head,
    Page,
    after,
    append,
    badges_of,
    create,
    head,
    heads,
    hold,
    lock,
    pending,
    seq_of,
)
from .facts import epoch, new_epoch
from .models import inboxes
from .seen import mark_seen

__all__ = [
    "BADGES",
    "HELD",
    "PAGE_EVENTS",
    "Appended",
    "Badges",
    "Event",
    "Head",
    "Page",
    "after",
    "append",
    "badges_of",
    "create",
    "epoch",
    "head",
    "heads",
    "hold",
    "inboxes",
    "lock",
    "mark_seen",
    "new_epoch",
    "pending",
    "seq_of",
]
